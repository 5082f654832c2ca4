"""The clips' video over HTTP: MP4 by signed, short-lived links, with byte ranges.

Streamlit knows no user on routes of our own, so a link carries its own proof: a hash over what it
names and when it ends, keyed by a secret that this server made when it started.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from ingest.clips.read import open_clip
from ingest.errors import RidealongError
from ingest.lake import Lake
from ingest.listing import find_row
from ingest.schemas import CLIPS

PREFIX = "/api/clips"
LINK_SECONDS = 3600


@dataclass(frozen=True)
class Links:
    """Makes and checks links.

    Attributes:
        key: This server's secret.
    """

    key: bytes

    def video(self, clip_id: str, camera: str, now_s: float | None = None) -> str:
        """A link to one camera of one clip, valid for an hour."""
        ends = int((time.time() if now_s is None else now_s) + LINK_SECONDS)
        proof = self._proof(clip_id, camera, ends)
        return f"{PREFIX}/{quote(clip_id)}/{quote(camera)}.mp4?ends={ends}&proof={proof}"

    def holds(self, clip_id: str, camera: str, ends: int, proof: str) -> bool:
        """Whether the link is ours and has not ended."""
        right = self._proof(clip_id, camera, ends)
        return hmac.compare_digest(right, proof) and time.time() <= ends

    def _proof(self, clip_id: str, camera: str, ends: int) -> str:
        message = "\0".join((clip_id, camera, str(ends))).encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()


def media_route(home: Path, links: Links, cache: Path) -> Route:
    """The route that serves links; MP4 files are remuxed once into ``cache``."""

    def video(request: Request) -> Response:
        clip_id, camera = request.path_params["clip_id"], request.path_params["camera"]
        try:
            ends = int(request.query_params.get("ends", "0"))
        except ValueError:
            ends = 0
        if not links.holds(clip_id, camera, ends, request.query_params.get("proof", "")):
            return PlainTextResponse("this link has ended; reload the page", status_code=403)
        try:
            path = _remuxed(home, clip_id, camera, cache)
        except RidealongError as error:
            return PlainTextResponse(str(error), status_code=404)
        return FileResponse(path, media_type="video/mp4")

    return Route(PREFIX + "/{clip_id}/{camera}.mp4", video)


def _remuxed(home: Path, clip_id: str, camera: str, cache: Path) -> Path:
    path = cache / f"{clip_id}-{camera}.mp4"
    if not path.exists():
        row = find_row(Lake.open(home).snapshot(), CLIPS, "clip_id", clip_id)
        with open_clip(home / str(row["blob"])) as reader:
            content = reader.video_mp4(camera)
        with NamedTemporaryFile(
            dir=cache, delete=False
        ) as part:  # two requests may make it at once
            part.write(content)
        Path(part.name).replace(path)
    return path
