"""How our routes answer: checked links, one sentence for a mistake, caching and compression."""

import gzip
import hashlib
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.routes.home import Clip, Home
from dashboard.routes.links import Links
from dashboard.routes.memory import Memory
from ridealong.errors import RidealongError
from ridealong.lake.verifying import DamagedError

EXPIRED = "this link has expired; reload the page"
KEPT_SECONDS = 3600
MEMORY_BYTES = 32 << 20
WORTH_PACKING = 1000  # bytes
SLOW_AT_ONCE = 4
JSON = "application/json"


class AskedWronglyError(RidealongError):
    """A parameter of a request is not valid."""


@dataclass(frozen=True)
class Asked:
    """One request about a clip, whose link holds.

    Attributes:
        clip: The clip's row.
        path: What else its path names, such as the camera.
        query: Its parameters.
    """

    clip: Clip
    path: dict[str, str]
    query: dict[str, str]

    def text(self, name: str) -> str | None:
        """A parameter; None if it is absent or empty."""
        return self.query.get(name) or None

    def needed(self, name: str) -> str:
        """A parameter that must be there.

        Raises:
            AskedWronglyError: It is not.
        """
        found = self.text(name)
        if found is None:
            raise AskedWronglyError(f"the request has no {name!r}")
        return found

    def number(self, name: str, default: float) -> float:
        """A finite number.

        Raises:
            AskedWronglyError: It is something else.
        """
        given = self.text(name)
        try:
            found = default if given is None else float(given)
        except ValueError:
            found = math.nan
        if given is not None and not math.isfinite(found):
            raise AskedWronglyError(f"{name} is {given[:40]!r}", expected="a number of seconds")
        return found

    def window(self) -> tuple[float, float]:
        """The window of time from ``from`` to ``to``, in seconds; all of the clip by default.

        Raises:
            AskedWronglyError: An end is no number.
        """
        return self.number("from", -math.inf), self.number("to", math.inf)


@dataclass(frozen=True)
class Answer:
    """An answer that is made only if it is needed.

    Attributes:
        depends_on: All that the content follows from; equal parts mean equal content.
        make: Makes the content.
        media_type: Its type.
        kept_seconds: How long the browser may use it without asking again.
        packed: Whether it is compressed already.
    """

    depends_on: tuple[object, ...]
    make: Callable[[], bytes]
    media_type: str = JSON
    kept_seconds: int = KEPT_SECONDS
    packed: bool = False


@dataclass(frozen=True)
class Answering:
    """Turns functions that answer into endpoints.

    Attributes:
        home: The home.
        links: Checks links.
        memory: Keeps contents, compressed where it pays.
    """

    home: Home
    links: Links
    memory: Memory[bytes] = field(default_factory=lambda: Memory(MEMORY_BYTES, size=len))

    def clip(self, answer: Callable[[Asked], Answer | Response]) -> Callable[[Request], Response]:
        """An endpoint about one clip. A mistake becomes one sentence of plain text."""

        def endpoint(request: Request) -> Response:
            path = dict(request.path_params)
            clip_id = path.pop("clip_id")
            if not self.links.hold(clip_id, request):
                return refused()
            try:
                asked = Asked(self.home.clip(clip_id), path, dict(request.query_params))
                found = answer(asked)
                return found if isinstance(found, Response) else self._response(request, found)
            except AskedWronglyError as error:
                return PlainTextResponse(str(error), 400)
            except RidealongError as error:
                return PlainTextResponse(sentence(error), 404)

        return endpoint

    def slow_clip(
        self, answer: Callable[[Asked], Answer | Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The same for what takes seconds: few at a time, so that others find a free thread."""
        endpoint = self.clip(answer)

        async def waiting(request: Request) -> Response:
            return await to_thread.run_sync(endpoint, request, limiter=self.slow)

        return waiting

    @cached_property
    def slow(self) -> CapacityLimiter:
        """Limits how many slow answers are made at a time."""
        return CapacityLimiter(SLOW_AT_ONCE)

    def _response(self, request: Request, answer: Answer) -> Response:
        packed = "gzip" in request.headers.get("accept-encoding", "") and not answer.packed
        tag = tag_of(*answer.depends_on, packed)
        headers = {
            "ETag": tag,
            "Cache-Control": f"private, max-age={answer.kept_seconds}",
            "Vary": "Accept-Encoding",
        }
        if tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=headers)
        content = self.memory.get((tag, False), answer.make)
        if packed and len(content) >= WORTH_PACKING:
            content = self.memory.get((tag, True), lambda: gzip.compress(content, 6, mtime=0))
            headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=answer.media_type, headers=headers)


def sentence(error: RidealongError) -> str:
    """What a mistake is, as shown in the place of a picture, which has no room for a path."""
    if isinstance(error, DamagedError):
        return f"{error.what}; `ridealong lake check` lists all damage"
    return str(error)


def refused(_: Request | None = None) -> Response:
    """The answer to a link that is not ours or has expired."""
    return PlainTextResponse(EXPIRED, status_code=403)


def tag_of(*parts: object) -> str:
    """An entity tag for what follows from these parts."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def as_json(document: Any) -> bytes:
    """A document as JSON; a number that is not finite is an error of the caller."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
