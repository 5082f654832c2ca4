"""Commands that show runs: the dashboard, and reports as files."""

import sys
from typing import Annotated

import typer

from dashboard.actions import command as audit_command
from dashboard.hosts import Hosts, address_of, canonical, parse_header, parse_host
from dashboard.reports import command
from ridealong.extras import require
from ridealong.terminal.console import Console, HomeOption, JsonOption, home_of

app = typer.Typer()
app.add_typer(command.app)
app.add_typer(audit_command.app)

WARNING = (
    "warning: everyone who reaches this address can change things: use --read-only, or listen on "
    "this machine only, behind a proxy that authenticates users"
)


@app.command(short_help="Show clips, regressions and the fleet in a browser.")
def dashboard(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on. 0 takes a free port.")
    ] = 8501,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Additional host name to answer to, such as a proxy's. Repeatable.",
            show_default=False,
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Change nothing: pages only show.")
    ] = False,
    user_header: Annotated[
        str | None,
        typer.Option(
            help="Header in which an authenticating proxy names the person, such as "
            "X-Forwarded-User. The record of changes then says who.",
            show_default=False,
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show clips, regressions and the fleet in a browser.

    This prints an address and serves the dashboard there until Ctrl-C. By default it listens on
    this machine only. It answers to this machine's loopback names, to --host and to each
    --allowed-host. Everyone who reaches it can change things, such as the names of runs, unless it
    is started with --read-only. `ridealong audit` lists what was changed.

    Example: ridealong dashboard --port 8502
    """
    require("the dashboard", "dashboard", "video")  # the player's videos are remuxed
    from dashboard.permission import Permission
    from dashboard.serve import listen, serve
    from ridealong.lake import Lake

    root = home_of(home)
    Lake.open(root)
    named = frozenset(map(parse_host, allowed_host or []))
    header = None if user_header is None else parse_header(user_header)
    with listen(host, port) as bound:
        address, found_port = bound.getsockname()[:2]
        url = url_of(host, address, found_port)
        console = Console(as_json)
        if not read_only and not is_loopback(address):
            console.note(WARNING)

        def answers() -> None:
            console.result({"url": url, "home": root})
            console.text(f"dashboard of {root} at {url} (Ctrl-C ends it)")
            sys.stdout.flush()  # a program that waits for the line reads a pipe

        permission = Permission.of_server(found_port, read_only, header)
        serve(root, bound, hosts_of(host, address, named), permission, answers)


def hosts_of(host: str, address: str, named: frozenset[str]) -> Hosts:
    """The hosts of a server that listens on ``host`` (its ``address``) and has more names."""
    own = {canonical(host), canonical(address)}
    return Hosts(named | own, any_address=is_every(address))


def url_of(host: str, address: str, port: int) -> str:
    """The host part of the address at which a browser on this machine reaches the server."""
    name = "localhost" if is_every(address) else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a server at that address."""
    found = address_of(address)
    return found is not None and found.is_loopback


def is_every(address: str) -> bool:
    """Whether a server at that address listens on all addresses of this machine."""
    found = address_of(address)
    return found is not None and found.is_unspecified
