"""The file by which a folder is known as a home."""

from pathlib import Path

MARKER = "home.json"


def is_home(folder: Path) -> bool:
    """Whether a folder is a home of ridealong."""
    return (folder / MARKER).is_file()
