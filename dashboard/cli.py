"""The command that serves the dashboard."""

import errno
import socket
from typing import Annotated

import typer

from ingest.console import Console, HomeOption, JsonOption, home_of
from ingest.errors import RidealongError

app = typer.Typer()


@app.command(short_help="Serve the dashboard, for a browser.")
def dashboard(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the dashboard: watch clips with what both networks said drawn over them.

    Listens on this machine only, unless --host says otherwise. Ctrl-C ends it.

    Example: ridealong dashboard --port 8502
    """
    from dashboard.serve import serve
    from ingest.lake import Lake

    root = home_of(home)
    Lake.open(root)
    _check_free(host, port)
    url = f"http://{host}:{port}"
    console = Console(as_json)
    console.result({"url": url, "home": root})
    console.text(f"dashboard of {root} at {url} (Ctrl-C ends it)")
    serve(root, host, port)


def _check_free(host: str, port: int) -> None:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        raise RidealongError(
            f"cannot listen on {host} port {port} ({error.strerror})",
            mend="choose another --port" if used else "choose another --host",
        ) from error
