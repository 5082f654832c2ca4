"""The cameras' videos: MP4 with byte ranges, each remuxed once into the server's folder."""

from starlette.responses import FileResponse, Response

from dashboard.routes.answers import KEPT_SECONDS, Asked, tag_of
from dashboard.routes.home import Home


def video(home: Home, asked: Asked) -> Response:
    """One camera of a clip.

    Raises:
        RidealongError: There is no such camera, or the clip cannot be read.
    """
    clip, camera = asked.clip, asked.path["camera"]

    def remux() -> bytes:
        with home.open(clip) as reader:
            return reader.video_mp4(camera)

    key = ("video", clip["blob"] or clip["clip_id"], camera)
    headers = {"ETag": tag_of(*key), "Cache-Control": f"private, max-age={KEPT_SECONDS}"}
    path = home.folder.file(key, ".mp4", remux)
    return FileResponse(path, media_type="video/mp4", headers=headers)
