"""Routes of picture pairs: the frame that costs most in a cell, deployed beside candidate.

A picture takes seconds, because dense outputs are inferred again. So a request never waits for it:
``/api/pair.json`` says whether the picture is there yet, and starts it if nobody has. One thread
draws them, one after the other; each is drawn once and kept for the server's life.
"""

import io
import json
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.pictures.pair import Pair, draw_pair
from dashboard.routes.answers import KEPT_SECONDS, refused, sentence
from dashboard.routes.home import Home
from dashboard.routes.links import Links
from dashboard.routes.losses import cell_of
from metrics.gate.cells import Cell
from ridealong.errors import RidealongError
from ridealong.hashing import short_hash
from ridealong.lake import Snapshot
from shadow.costs import cell_costs
from shadow.judged import of_items
from shadow.runs import Run

PREFIX = "/api/pair"
NAMED = 4  # of the costliest clips
MOST_WAITING = 50
MOST_KEPT = 500  # about 50 kB each
QUALITY = 90
OF_ITEMS = "`ridealong report --format html --images FOLDER` draws the frames of result files"
PARTS = ("run", "prediction", "metric", "slice", "clip")


@dataclass(frozen=True)
class PairKey:
    """Which pair: a cell of a run, and a clip; an empty ``clip`` is the costliest one."""

    run: str
    prediction: str
    metric: str
    slice: str
    clip: str = ""

    @property
    def name(self) -> str:
        """A name for files and elements."""
        return short_hash(self.subject)

    @property
    def subject(self) -> str:
        """What a link to it proves; no clip has such a name."""
        return json.dumps([getattr(self, part) for part in PARTS])


def facts_link(links: Links, pair: PairKey) -> str:
    """The link to what is known of a pair; it is valid for an hour or a little more."""
    return link_to(f"{PREFIX}.json", links, pair)


def picture_link(links: Links, pair: PairKey) -> str:
    """The link to the picture of a pair, once it is drawn."""
    return link_to(f"{PREFIX}.webp", links, pair)


def link_to(path: str, links: Links, pair: PairKey) -> str:
    """The link to a route about a pair, or about its cell."""
    asked = {part: getattr(pair, part) for part in PARTS if getattr(pair, part)}
    return f"{path}?{urlencode(asked)}&{links.clip(pair.subject).query}"


def asked_pair(request: Request) -> PairKey:
    """The pair that a request names."""
    return PairKey(*(request.query_params.get(part, "") for part in PARTS))


@dataclass(frozen=True)
class Drawn:
    """What came out: a picture and what it shows, or why there is none.

    Attributes:
        document: The answer of ``pair.json``, without links that expire.
        picture: A WebP file; None if there is none.
    """

    document: Mapping[str, Any]
    picture: bytes | None = None


@dataclass
class Pairs:
    """The pairs of a home, each drawn once; the newest `MOST_KEPT` are kept.

    Attributes:
        home: The home.
    """

    home: Home
    _drawn: dict[PairKey, Drawn | None] = field(default_factory=dict)  # None: not yet
    _waiting: "queue.Queue[PairKey]" = field(default_factory=queue.Queue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def get(self, pair: PairKey) -> Drawn | None:
        """A pair; None if it is still being drawn, which this starts.

        Raises:
            RidealongError: Too many wait.
        """
        with self._lock:
            if pair not in self._drawn:
                if self._waiting.qsize() >= MOST_WAITING:
                    raise RidealongError("too many pictures are being drawn; reload the page later")
                self._drawn[pair] = None
                self._waiting.put(pair)
                if self._thread is None:
                    # Ends with the process, in the middle of a picture if need be.
                    self._thread = threading.Thread(target=self._work, daemon=True)
                    self._thread.start()
            return self._drawn[pair]

    def _work(self) -> None:
        while True:
            pair = self._waiting.get()
            try:
                drawn = self._draw(pair)
            except RidealongError as error:
                drawn = _none(sentence(error))
            except Exception as error:  # any other would end the thread, and all that wait with it
                drawn = _none(f"it could not be drawn ({type(error).__name__})")
            with self._lock:
                self._drawn[pair] = drawn
                while len(self._drawn) > MOST_KEPT + self._waiting.qsize():
                    del self._drawn[next(iter(self._drawn))]

    def _draw(self, pair: PairKey) -> Drawn:
        snapshot, run = self.home.snapshot(), self.home.run(pair.run)
        cell = cell_of(snapshot, run, pair.prediction, pair.metric, pair.slice)
        shares = _shares(snapshot, run, cell)
        if of_items(run):
            return _none(OF_ITEMS, [{"text": _share_text(name, shares)} for name in _first(shares)])
        costly = [
            {"text": _share_text(name, shares), "link": clip_address(pair, name)}
            for name in _first(shares)
        ]
        clip_id = pair.clip or next(iter(shares), None)
        if clip_id is None:
            return _none("no clip has a share in this loss", costly)
        try:
            found = draw_pair(self.home.outputs(run), self.home.clip(clip_id), cell)
        except RidealongError as error:
            return _none(sentence(error), costly)
        document = _document(pair, clip_id, found, shares) | {"costly": costly}
        return Drawn(document, _webp(found))


def _shares(snapshot: Snapshot, run: Run, cell: Cell) -> dict[str, float]:
    """The share that each clip has in a cell's loss, the largest first; only losses."""
    costs = cell_costs(snapshot, run, cell).to_pylist()
    whole = sum(row["share"] for row in costs)
    if whole >= 0:
        return {}
    return {row["clip_id"]: row["share"] / whole for row in costs if row["share"] < 0}


def _first(shares: Mapping[str, float]) -> list[str]:
    return [*shares][:NAMED]


def _document(
    pair: PairKey, clip_id: str, found: Pair, shares: Mapping[str, float]
) -> dict[str, Any]:
    share = f" ({shares[clip_id]:.0%} of the loss)" if clip_id in shares else ""
    where = f"camera {found.camera}" if found.camera else "seen from above"
    words = f": {found.found}" if found.found else ""
    caption = f"{found.which}{words}. Clip {clip_id}{share}, {where}, {found.seconds:.1f} s."
    caption = caption[:1].upper() + caption[1:]
    at = {"t": f"{found.seconds:.2f}"} | ({"camera": found.camera} if found.camera else {})
    return {
        "state": "done",
        "caption": caption,
        "alt": f"{pair.prediction}, deployed beside candidate. {caption}",
        "link": clip_address(pair, clip_id, at),
    }


def _share_text(name: str, shares: Mapping[str, float]) -> str:
    return f"{name}: {shares[name]:.0%} of the loss"


def clip_address(pair: PairKey, clip_id: str, at: Mapping[str, str] | None = None) -> str:
    """The page of a clip, at what the cell judges."""
    cell = {part: getattr(pair, part) for part in ("run", "prediction", "metric", "slice")}
    return f"/clip?{urlencode({'clip': clip_id, **cell, **(at or {})})}"


def _none(why: str, costly: Sequence[Mapping[str, str]] = ()) -> Drawn:
    return Drawn({"state": "none", "why": why, "costly": list(costly)})


def _webp(pair: Pair) -> bytes:
    out = io.BytesIO()
    pair.picture.save(out, "webp", quality=QUALITY)
    return out.getvalue()


def pair_routes(pairs: Pairs, links: Links) -> list[BaseRoute]:
    """The routes of pairs: ``pair.json``, and ``pair.webp`` once it is drawn."""

    def asked(request: Request) -> tuple[PairKey, Drawn | None] | Response:
        pair = asked_pair(request)
        if not links.hold(pair.subject, request):
            return refused()
        try:
            return pair, pairs.get(pair)
        except RidealongError as error:
            return PlainTextResponse(str(error), status_code=503)

    def facts(request: Request) -> Response:
        found = asked(request)
        if isinstance(found, Response):
            return found
        pair, drawn = found
        document = {"state": "drawing"} if drawn is None else dict(drawn.document)
        if drawn is not None and drawn.picture is not None:
            document["picture"] = picture_link(links, pair)
        return JSONResponse(document, headers={"Cache-Control": "no-store"})

    def picture(request: Request) -> Response:
        found = asked(request)
        if isinstance(found, Response):
            return found
        _, drawn = found
        if drawn is None:
            return PlainTextResponse("it is being drawn; try again", 503, {"Retry-After": "2"})
        if drawn.picture is None:
            return PlainTextResponse(str(drawn.document["why"]), 404)
        headers = {"Cache-Control": f"private, max-age={KEPT_SECONDS}"}
        return Response(drawn.picture, media_type="image/webp", headers=headers)

    return [Route(f"{PREFIX}.json", facts), Route(f"{PREFIX}.webp", picture)]
