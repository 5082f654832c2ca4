"""The command line: mounts each package's ``cli.py``, and turns errors into lines and exit codes.

Exit codes: 0 the command did its work, 1 not passed (a verdict, a check), 2 bad input.
"""

import contextlib
import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import dashboard.cli
import ingest.cli
import shadow.cli
from ingest.console import HOME_BEFORE
from ingest.errors import RidealongError, each

CRASHED = 70  # as sysexits.h has it: an internal software error
INTERRUPTED = "interrupted; nothing half-done is visible, run the command again"

app = typer.Typer(
    name="ridealong",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fleet data in, verdicts out: find the moments that matter, replay them through the "
    "deployed and the candidate network, and see for every prediction whether the candidate is "
    "no worse.",
)
for package in (ingest.cli, shadow.cli, dashboard.cli):
    app.add_typer(package.app)


@app.callback()
def program(
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Folder of the lake; may also follow the command."),
    ] = None,
) -> None:
    """Keep the home for the command that follows."""
    HOME_BEFORE.set(home)


def run(arguments: Sequence[str] | None = None) -> tuple[int, str | None]:
    """Run one command; give its exit code, and the last line for standard error."""
    # Libraries warn about clients of clouds that nobody asked for.
    logging.basicConfig(level=logging.ERROR)
    try:
        app(args=None if arguments is None else list(arguments))
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
        return code, INTERRUPTED if code == 130 else None  # typer leaves so after Ctrl-C
    except RidealongError as error:
        return 2, "\n".join(f"error: {one}" for one in each(error))
    except KeyboardInterrupt:
        return 130, INTERRUPTED
    except BrokenPipeError:
        return 0, None  # whoever read our output has seen enough
    except OSError as error:
        if error.errno is None:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        mend = "; make room and run the command again: the lake is unchanged" if full else ""
        return 2, f"error: {error.filename or 'disk'}: {error.strerror}{mend}"
    return 0, None


def main() -> None:
    """Run the program and leave, without tearing the interpreter down.

    A pipeline's threads may still run, and DuckDB counts its leaks aloud at a plain exit.
    """
    try:
        code, line = run()
    except Exception:  # ours to mend: show all of it, and never look like "not passed"
        traceback.print_exc()
        code, line = CRASHED, "this is a bug in ridealong"
    if line:
        print(line, file=sys.stderr)
    sys.stderr.flush()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
