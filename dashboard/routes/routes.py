"""All of our own routes, which the server puts before Streamlit's pages."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.routes.answers import Answer, Answering, Asked, refused
from dashboard.routes.facts import facts
from dashboard.routes.home import Home
from dashboard.routes.links import PREFIX, Links
from dashboard.routes.marks import Marks
from dashboard.routes.memory import Folder
from dashboard.routes.signals import signal
from dashboard.routes.videos import video
from dashboard.routes.views import views_of

FOLDER_BYTES = 2 << 30


def clip_routes(home: Home, links: Links, folder: Path) -> list[BaseRoute]:
    """The routes about one clip; every other path below `PREFIX` is refused.

    Args:
        home: The home.
        links: Checks the links.
        folder: For files; the server removes it when it ends.
    """
    answering, files = Answering(home, links), Folder(folder, FOLDER_BYTES)
    answers: dict[str, Callable[[Asked], Answer | Response]] = {
        "clip.json": partial(facts, home),
        "marks.json": Marks(views_of(home)),
        "signal.json": partial(signal, home),
        "{camera}.mp4": partial(video, home, files),
    }
    return [
        *(
            Route(f"{PREFIX}/{{clip_id}}/{path}", answering.clip(one))
            for path, one in answers.items()
        ),
        Route(PREFIX + "{rest:path}", refused),
    ]
