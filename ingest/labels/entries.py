"""JSON lists that are built on disk, entry by entry, and then joined to documents.

An export may have millions of boxes; only the current entry is in memory.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

Entry = Mapping[str, object]


class EntryList:
    """One growing JSON list; without a folder it only counts."""

    def __init__(self, path: Path | None) -> None:
        self.count = 0
        self.bytes = 0
        self._path = path
        self._file: BinaryIO | None = path.open("wb") if path else None

    def add(self, entry: Entry) -> None:
        """Append an entry.

        Raises:
            ValueError: It has a number that JSON cannot express.
        """
        text = json_bytes(entry)
        data = b"," + text if self.count else text
        self.count += 1
        self.bytes += len(data)
        if self._file:
            self._file.write(data)

    def close(self) -> None:
        """Close the file; nothing can be added afterwards."""
        if self._file:
            self._file.close()

    def copy_to(self, out: BinaryIO) -> None:
        """Write the list with its brackets."""
        out.write(b"[")
        if self._path:
            with self._path.open("rb") as file:
                shutil.copyfileobj(file, out)
        out.write(b"]")


class EntryLists:
    """Growing lists by name, in a folder that is removed when they are closed.

    Args:
        folder: A new folder, where to keep them; None to count entries and bytes without writing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lists: dict[str, EntryList] = {}
        if folder:
            folder.mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the lists, and remove their folder."""
        for one in self._lists.values():
            one.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __getitem__(self, name: str) -> EntryList:
        if name not in self._lists:
            self._lists[name] = EntryList(self._folder / name if self._folder else None)
        return self._lists[name]

    def write_list(self, path: Path, name: str) -> None:
        """Write a list as a separate JSON file."""
        self[name].close()
        with path.open("wb") as out:
            self[name].copy_to(out)

    def write_document(self, path: Path, head: Entry, lists: Mapping[str, str]) -> None:
        """Write a JSON object: the keys of ``head``, then lists under the given keys."""
        with path.open("wb") as out:
            out.write(json_bytes(head)[:-1])
            for key, name in lists.items():
                self[name].close()
                out.write(b"," + json_bytes(key) + b":")
                self[name].copy_to(out)
            out.write(b"}")


def json_bytes(document: object) -> bytes:
    """A document as compact JSON in UTF-8.

    Raises:
        ValueError: It has a number that JSON cannot express.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()
