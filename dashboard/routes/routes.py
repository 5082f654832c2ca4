"""All routes about a clip, which the server puts before Streamlit's pages."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.routes.answers import Answer, Answering, Asked, refused
from dashboard.routes.facts import facts
from dashboard.routes.home import Home
from dashboard.routes.links import PREFIX, Links
from dashboard.routes.losses import LossesOf
from dashboard.routes.marks import Marks
from dashboard.routes.memory import Folder
from dashboard.routes.pictures import Thumbnails
from dashboard.routes.signals import signal
from dashboard.routes.textures import Textures
from dashboard.routes.videos import video
from dashboard.routes.views import views_of

FOLDER_BYTES = 2 << 30

Routes = dict[str, Callable[[Asked], Answer | Response]]  # by path below the clip


def clip_routes(home: Path, links: Links, folder: Path) -> list[BaseRoute]:
    """The routes about one clip; every other path below `PREFIX` is refused.

    Args:
        home: The lake's folder.
        links: Checks the links.
        folder: For files; the server removes it when it ends.
    """
    source = Home(home, Folder(folder, FOLDER_BYTES))
    answering, views = Answering(source, links), views_of(source)
    quick: Routes = {
        "clip.json": partial(facts, source),
        "marks.json": Marks(views),
        "signal.json": partial(signal, source),
        "{camera}.mp4": partial(video, source),
    }
    slow: Routes = {
        "losses.json": LossesOf(source),
        "thumb.jpg": Thumbnails(views),
        "dense/{layer}/{task}/{camera}.bin": Textures(source),
    }
    below = PREFIX + "/{clip_id}/"
    return [
        *(Route(below + path, answering.clip(answer)) for path, answer in quick.items()),
        *(Route(below + path, answering.slow_clip(answer)) for path, answer in slow.items()),
        Route(PREFIX + "{rest:path}", refused),
    ]
