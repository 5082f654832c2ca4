"""Arguments of commands that name clips."""

from typing import Annotated

import typer

from ridealong.terminal.completion import completing

_CLIP_IDS = completing("clips", "clip_id")
ClipArgument = Annotated[
    str,
    typer.Argument(help="Clip id, or a unique prefix of it.", autocompletion=_CLIP_IDS),
]
ClipsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="CLIP",
        help="Clip ids, or unique prefixes of them.",
        autocompletion=_CLIP_IDS,
    ),
]
