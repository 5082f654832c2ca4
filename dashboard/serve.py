"""The dashboard's server: Streamlit's app and our media route in one process on one port."""

import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager
from streamlit.starlette import App

from dashboard.media import Links, media_route

SCRIPT = Path(__file__).parent / "app.py"
OPTIONS = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.cookieSecret": secrets.token_hex(32),
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "browser.gatherUsageStats": False,
}


def serve(home: Path, host: str, port: int) -> None:
    """Serve the dashboard on ``host:port`` until interrupted.

    Pages learn the home and the media key as Streamlit secrets: a script has no arguments.
    """
    for option, value in OPTIONS.items():
        config.set_option(option, value)
    # Streamlit takes a folder `pages` beside the script for pages of its older kind until the
    # script has run once: the first visitor of a link such as /regressions?run=… would get the
    # bare page, without app.py around it.
    PagesManager.uses_pages_directory = False
    key = secrets.token_bytes(32)
    with TemporaryDirectory(prefix="ridealong-media-") as cache:
        app = App(
            SCRIPT,
            secrets={"ridealong": {"home": str(home.resolve()), "media_key": key.hex()}},
            routes=[media_route(home, Links(key), Path(cache))],
        )
        uvicorn.run(app, host=host, port=port, log_level="warning")
