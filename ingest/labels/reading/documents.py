"""Reads text, JSON and XML files of labels; each mistake is one line."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ridealong.errors import RidealongError
from ridealong.regular_files import require_regular

_DECLARATIONS = (b"<!DOCTYPE", b"<!ENTITY")


def read_text(path: Path) -> str:
    """A text in UTF-8.

    Raises:
        RidealongError: The file cannot be read, or is not such a text.
    """
    require_regular(path)
    try:
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise RidealongError(f"is not a text file in UTF-8 ({error})", where=path) from error


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        RidealongError: The file cannot be read, or is not JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RidealongError(f"is not a whole JSON file ({error})", where=path) from error


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML document without declarations, which could make it grow.

    Raises:
        RidealongError: The file cannot be read, is not XML in UTF-8, or declares entities.
    """
    require_regular(path)
    try:
        data = path.read_bytes()
        if b"\0" in data:  # UTF-16 would hide declarations
            raise RidealongError("is not UTF-8 text", where=path, expected="plain XML")
        if any(word in data for word in _DECLARATIONS):
            raise RidealongError("declares entities", where=path, expected="plain XML")
        return ElementTree.fromstring(data)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise RidealongError(f"is not a whole XML file ({error})", where=path) from error


def files_named(path: Path, pattern: str) -> list[Path]:
    """The file itself, or the files of a folder with such a name, at any depth, in order."""
    return [path] if path.is_file() else sorted(path.rglob(pattern))
