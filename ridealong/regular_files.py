"""Regular files: what is none must not be opened."""

import stat
from pathlib import Path

from ridealong.errors import UnreadableError

SPECIAL = {
    stat.S_ISFIFO: "a named pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}


def require_regular(file: Path) -> None:
    """Raise `UnreadableError` for a pipe, a socket or a device: reading one could block forever."""
    mode = file.stat().st_mode
    what = next((name for is_so, name in SPECIAL.items() if is_so(mode)), None)
    if what:
        raise UnreadableError(f"is {what}", where=file, expected="a regular file")
