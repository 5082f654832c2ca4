"""The command line: mounts each package's ``cli.py``, and turns errors into lines and exit codes.

Exit codes: 0 the command did its work, 1 not passed (a verdict, a check), 2 bad input or a wrong
call, 70 a bug, 130 interrupted. Errors are one line on standard error.
"""

import contextlib
import gc
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

import dashboard.cli
import ingest.cli
import shadow.cli
from ridealong.commands import lake
from ridealong.errors import RidealongError, each
from ridealong.extras import missing_extra
from ridealong.limits import refused
from ridealong.terminal.console import HOME_BEFORE
from ridealong.terminal.readable import printable
from ridealong.terminal.usage import usage_line

CRASHED = 70  # as sysexits.h has it: an internal software error
DUCKDB_INTERRUPTED = "Query interrupted"  # what DuckDB makes of Ctrl-C during a query
INTERRUPTED = "interrupted; nothing half-done is visible, run the command again"

app = typer.Typer(
    name="ridealong",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find the moments that matter in a fleet's drives, replay them through two networks, and "
    "report for every prediction whether the candidate is worse than the deployed network. Start "
    "with `ridealong demo`.",
)
app.add_typer(ingest.cli.app)
app.add_typer(lake.app, name="lake")
app.add_typer(shadow.cli.app)
app.add_typer(dashboard.cli.app)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"ridealong {version('ridealong')}")
        raise typer.Exit


@app.callback()
def program(
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Folder of the lake. You may also give it after the command."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Keep the home for the command that follows."""
    HOME_BEFORE.set(home)


def _called(arguments: Sequence[str] | None) -> int:
    """The command's exit code; usage errors are raised, not printed."""
    try:
        given = None if arguments is None else list(arguments)
        code = app(args=given, prog_name="ridealong", standalone_mode=False)
    except SystemExit as done:
        code = done.code
    except RuntimeError as error:
        if str(error) != DUCKDB_INTERRUPTED:
            raise
        raise KeyboardInterrupt from error
    sys.stdout.flush()  # here, so that a full disk is one line, too
    return code if isinstance(code, int) else 0


def _was_help(error: TyperException) -> bool:
    """Whether a group was called without a command: its help has been printed."""
    return type(error).__name__ == "NoArgsIsHelpError"


class _Output(io.FileIO):
    """A file descriptor that drops what is written after its reader has closed the pipe.

    So ``ridealong gate check gate.yaml | head`` does its work to the end, and its exit code is
    the verdict's.
    """

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return memoryview(data).nbytes


def _prepare_streams() -> None:
    """Make streams usable that are closed, or whose encoding or reader ends what is written."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # as after `>&-`
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
            continue
        setattr(
            sys,
            name,
            io.TextIOWrapper(
                io.BufferedWriter(_Output(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                errors="backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            ),
        )


def run(arguments: Sequence[str] | None = None) -> tuple[int, str | None]:
    """Run one command; return its exit code, and the last line for standard error."""
    # Libraries warn about cloud clients that we do not use.
    logging.basicConfig(level=logging.ERROR)
    try:
        code = _called(arguments)
    except TyperException as error:
        return error.exit_code, None if _was_help(error) else usage_line(error)
    except RidealongError as error:
        return 2, "\n".join(printable(f"error: {one}") for one in each(error))
    except KeyboardInterrupt:
        return 130, INTERRUPTED
    except Exception as error:
        line: object = refused(error, getattr(error, "filename", None)) or missing_extra(error)
        if isinstance(error, OSError) and error.errno is not None:
            line = line or f"{error.filename or 'disk'}: {error.strerror}"
        if line is None:
            raise
        return 2, f"error: {line}"
    return code, INTERRUPTED if code == 130 else None


def main() -> None:
    """Run the program and exit without tearing the interpreter down.

    A pipeline's threads may still run, and DuckDB prints its leaks at a normal exit.
    """
    _prepare_streams()
    # Loading libraries makes many objects and no garbage: collecting every 700 objects takes a
    # tenth of a list command's start.
    gc.set_threshold(20_000, 10, 10)
    try:
        code, line = run()
    except Exception:  # our bug: show all of it, with an exit code other than 1
        traceback.print_exc()
        code, line = CRASHED, "this is a bug in ridealong"
    if line:
        print(line, file=sys.stderr)
    for stream in (sys.stderr, sys.stdout):
        with contextlib.suppress(OSError):  # it was said before, or there is nobody to tell
            stream.flush()
    os._exit(code)
