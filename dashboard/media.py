"""The clips' video over HTTP: MP4 by signed, short-lived links, with byte ranges.

Our own routes have no Streamlit session, so each link is signed: it has a hash over clip, camera
and expiry, with a secret key that the server makes when it starts.
"""

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ingest.clips.read import open_clip
from ingest.schemas import CLIPS
from ridealong.errors import RidealongError
from ridealong.lake import Lake

PREFIX = "/api/clips"
LINK_SECONDS = 3600
FRESH_SECONDS = 5  # the lake's state may be this old, as on the pages


@dataclass(frozen=True)
class Links:
    """Makes and checks links.

    Attributes:
        key: This server's secret.
    """

    key: bytes

    def video(self, clip_id: str, camera: str, now_s: float | None = None) -> str:
        """A link to one camera of one clip, valid for an hour."""
        ends = str(int((time.time() if now_s is None else now_s) + LINK_SECONDS))
        proof = self._proof(clip_id, camera, ends)
        path = f"{quote(clip_id, safe='')}/{quote(camera, safe='')}.mp4"
        return f"{PREFIX}/{path}?ends={ends}&proof={proof}"

    def holds(self, clip_id: str, camera: str, ends: str, proof: str) -> bool:
        """Whether the link is exactly one of ours and has not expired."""
        right = self._proof(clip_id, camera, ends).encode()
        if not hmac.compare_digest(right, proof.encode("utf-8", "replace")):
            return False
        return time.time() <= int(ends)

    def _proof(self, clip_id: str, camera: str, ends: str) -> str:
        message = json.dumps([clip_id, camera, ends]).encode()
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()


@dataclass
class Videos:
    """The MP4 files of a home's clips, each remuxed once into a folder.

    Attributes:
        home: The lake's folder.
        cache: Folder for the files.
    """

    home: Path
    cache: Path
    _blobs: dict[str, str] = field(default_factory=dict)
    _read_s: float = -FRESH_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def file(self, clip_id: str, camera: str) -> Path:
        """The file of one camera of one clip that is in the lake now.

        Raises:
            RidealongError: There is no such clip, or it cannot be read.
        """
        blob = self._blob_of(clip_id)
        name = hashlib.sha256(json.dumps([blob, camera]).encode()).hexdigest()
        path = self.cache / f"{name}.mp4"
        if not path.exists():
            with open_clip(Lake(self.home).path(blob)) as reader:
                content = reader.video_mp4(camera)
            # Two requests may make it at the same time.
            with NamedTemporaryFile(dir=self.cache, delete=False) as part:
                part.write(content)
            Path(part.name).replace(path)
        return path

    def _blob_of(self, clip_id: str) -> str:
        with self._lock:
            if time.monotonic() - self._read_s >= FRESH_SECONDS:
                rows = Lake.open(self.home).snapshot().read(CLIPS).to_pylist()
                self._blobs = {row["clip_id"]: row["blob"] for row in rows if row["blob"]}
                self._read_s = time.monotonic()
            if clip_id not in self._blobs:
                raise RidealongError(f"there is no clip {clip_id!r} with video")
            return self._blobs[clip_id]


def media_routes(videos: Videos, links: Links) -> list[BaseRoute]:
    """The routes that serve links; all other paths under `PREFIX` are refused."""

    def video(request: Request) -> Response:
        named = request.path_params["clip_id"], request.path_params["camera"]
        ends, proof = (request.query_params.getlist(name) for name in ("ends", "proof"))
        if len(ends) != 1 or len(proof) != 1 or not links.holds(*named, ends[0], proof[0]):
            return refuse(request)
        try:
            path = videos.file(*named)
        except RidealongError as error:
            return PlainTextResponse(str(error), status_code=404)
        return FileResponse(path, media_type="video/mp4")

    def refuse(_: Request) -> Response:
        return PlainTextResponse("this link has expired; reload the page", status_code=403)

    return [
        Route(PREFIX + "/{clip_id}/{camera}.mp4", video),
        Route(PREFIX + "{rest:path}", refuse),
    ]
