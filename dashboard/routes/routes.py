"""All routes about a clip, which the server puts before Streamlit's pages."""

from collections.abc import Callable
from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.routes.answers import Answer, Answering, Asked, refused
from dashboard.routes.facts import facts
from dashboard.routes.home import Home
from dashboard.routes.links import PREFIX, Links
from dashboard.routes.losses import LossesOf
from dashboard.routes.marks import Marks
from dashboard.routes.pictures import Thumbnails
from dashboard.routes.signals import signal
from dashboard.routes.textures import Textures
from dashboard.routes.videos import video
from dashboard.routes.views import views_of

Routes = dict[str, Callable[[Asked], Answer | Response]]  # by path below the clip


def clip_routes(home: Home, links: Links) -> list[BaseRoute]:
    """The routes about one clip; every other path below `PREFIX` is refused."""
    answering, views = Answering(home, links), views_of(home)
    quick: Routes = {
        "clip.json": partial(facts, home),
        "marks.json": Marks(views),
        "signal.json": partial(signal, home),
        "{camera}.mp4": partial(video, home),
    }
    slow: Routes = {
        "losses.json": LossesOf(home),
        "thumb.jpg": Thumbnails(views),
        "dense/{layer}/{task}/{camera}.bin": Textures(home),
    }
    below = PREFIX + "/{clip_id}/"
    return [
        *(Route(below + path, answering.clip(answer)) for path, answer in quick.items()),
        *(Route(below + path, answering.slow_clip(answer)) for path, answer in slow.items()),
        Route(PREFIX + "{rest:path}", refused),
    ]
