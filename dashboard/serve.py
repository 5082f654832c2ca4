"""The dashboard's server: Streamlit's app and our own routes in one process on one port."""

import base64
import errno
import gc
import hashlib
import re
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from streamlit import config, file_util
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.secrets import SecretsValue
from streamlit.starlette import App

from dashboard import theme
from dashboard.actions import jobs
from dashboard.guard import Guard
from dashboard.hosts import Hosts
from dashboard.permission import Permission
from dashboard.routes.behind import behind_route
from dashboard.routes.home import Home, home_at
from dashboard.routes.inference import Inference
from dashboard.routes.links import Links
from dashboard.routes.moved import Moved
from dashboard.routes.pairs import Pairs, pair_routes
from dashboard.routes.routes import clip_routes
from dashboard.warming import Warming
from ridealong.errors import RidealongError

SCRIPT = Path(__file__).parent / "app.py"
# Includes options that open endpoints, so that no user configuration or variable opens them.
OPTIONS: dict[str, Any] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.cookieSecret": secrets.token_hex(32),
    "server.baseUrlPath": "",
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.allowedHosts": [],  # the guard checks them, also over HTTP
    "server.enableXsrfProtection": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.trustedUserHeaders": {},
    "client.allowedOrigins": [],
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "browser.gatherUsageStats": False,
    **theme.OPTIONS,
}


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 is any free one.

    Raises:
        RidealongError: The address cannot be used.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
            bound.listen()
        except OSError:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no host name"
        of_port = getattr(error, "errno", None) in (errno.EADDRINUSE, errno.EACCES)
        raise RidealongError(
            f"cannot listen on {host!r} port {port} ({why})",
            hint="choose another --port" if of_port else "choose another --host",
        ) from error
    return bound


def serve(
    home: Path,
    bound: socket.socket,
    hosts: Hosts,
    permission: Permission,
    answers: Callable[[], None],
) -> None:
    """Serve the dashboard on a bound socket until interrupted; jobs of its pages end with it.

    Args:
        home: The lake's folder.
        bound: The socket to listen on.
        hosts: The allowed hosts.
        permission: What browsers may change.
        answers: Called when the server answers requests.
    """
    for option, value in OPTIONS.items():
        config.set_option(option, value)
    # Until the script has run once, Streamlit reads a folder `pages` beside it as old-style pages:
    # the first visitor of a link such as /regressions?run=… would get the page without app.py.
    PagesManager.uses_pages_directory = False
    # A kill also removes the videos: uvicorn raises its signal again when it has ended.
    signal.signal(signal.SIGTERM, _end)
    with (
        TemporaryDirectory(prefix="ridealong-media-") as cache,
        closing(jobs.JOBS),
        closing(Inference()) as inference,
    ):
        pages = make_app(home_at(home, Path(cache), inference), permission)
        app = Guard(pages, hosts, inline_scripts(), permission)
        # Streamlit collects garbage after every run of a page, while all requests wait. What was
        # imported stays anyway: it need not be looked at.
        gc.freeze()
        settings = uvicorn.Config(app, log_level="warning", server_header=False)
        with closing(Warming(home)) as warming:

            def ready() -> None:
                warming.start()
                answers()

            _Server(settings, ready, inference.close).run(sockets=[bound])


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)  # the exit code of a shell for a signal


def make_app(source: Home, permission: Permission) -> Starlette:
    """Streamlit's pages and the videos; pages get home, key and token as Streamlit's secrets."""
    key = secrets.token_bytes(32)
    shared: dict[str, SecretsValue] = {
        "ridealong": {
            "home": str(source.path.resolve()),
            "media_key": key.hex(),
            **permission.as_secrets(),
        }
    }
    pages = App(SCRIPT, secrets=shared)
    links = Links(key)
    routes = [
        *clip_routes(source, links),
        *pair_routes(Pairs(source), links),
        behind_route(source, links),
    ]
    return Starlette(routes=[*routes, Mount("/", Moved(pages))], lifespan=pages.lifespan())


def inline_scripts() -> tuple[str, ...]:
    """Hashes of the inline scripts in Streamlit's page, for the policy."""
    page = Path(file_util.get_static_dir(), "index.html").read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


class _Server(uvicorn.Server):
    """Reports when it accepts requests, so that a printed address can be used at once.

    When it ends, it first stops what requests may wait for: it would wait with them.
    """

    def __init__(
        self, settings: uvicorn.Config, answers: Callable[[], None], ends: Callable[[], None]
    ) -> None:
        super().__init__(settings)
        self._answers, self._ends = answers, ends

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._answers()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ends()
        await super().shutdown(sockets)
