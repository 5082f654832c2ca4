"""One line for a wrong call of a command: what is wrong, the nearest name, where to read."""

import difflib
from typing import Any

from typer.exceptions import TyperException


def usage_line(error: TyperException) -> str:
    """The error as one line, with the nearest known option."""
    wrong = getattr(error, "option_name", None)
    what = " ".join((error.message if wrong else error.format_message()).split())
    what = what.replace("Value error, ", "").removesuffix(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ridealong"
    hint = _nearest(wrong, context) if wrong and what.startswith("No such option") else ""
    parts = [what[:1].lower() + what[1:], hint, f"see `{path} --help`"]
    return "error: " + "; ".join(part for part in parts if part)


def _nearest(wrong: str, context: Any) -> str:
    """``did you mean '--home'?`` for an unknown option; Typer itself does this for commands."""
    if context is None:
        return ""
    known = ["--help", *(name for param in context.command.params for name in param.opts)]
    close = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    found = close or [name for name in known if name.startswith(wrong)]
    return f"did you mean {found[0]!r}?" if found else ""
