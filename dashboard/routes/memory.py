"""What was made once is kept: in memory or in a folder, up to a number of bytes.

Two requests for the same thing make it once: the second waits for the first.
"""

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Generic, TypeVar

T = TypeVar("T")
ROOM = 0.9  # the part of a full folder that stays, so that not every file needs a look at all
PART = ".part"  # of a file that is still being written


@dataclass
class Turns:
    """One turn at a time for each key."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _taken: dict[Hashable, tuple[threading.Lock, int]] = field(default_factory=dict)

    @contextmanager
    def of(self, key: Hashable) -> Iterator[None]:
        """Wait for the turn of this key, and have it inside a ``with`` block."""
        with self._lock:
            turn, waiting = self._taken.get(key, (threading.Lock(), 0))
            self._taken[key] = turn, waiting + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, waiting = self._taken.pop(key)
                if waiting > 1:
                    self._taken[key] = turn, waiting - 1


@dataclass
class Memory(Generic[T]):
    """Values by key; the least recently used ones leave when they are too many bytes.

    Attributes:
        limit: Bytes.
        size: How many bytes a value takes.
    """

    limit: int
    size: Callable[[T], int]
    _values: OrderedDict[Hashable, T] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: Turns = field(default_factory=Turns)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made now if it is not there; what ``make`` raises is not kept."""
        found = self._find(key)
        if found is not None:
            return found[0]
        with self._turns.of(key):
            found = self._find(key)  # another request may have made it meanwhile
            if found is None:
                found = (make(),)
                self._keep(key, found[0])
        return found[0]

    def _find(self, key: Hashable) -> tuple[T] | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return (self._values[key],)

    def _keep(self, key: Hashable, value: T) -> None:
        with self._lock:
            self._values[key] = value
            self._bytes += self.size(value)
            while self._bytes > self.limit and self._values:
                _, gone = self._values.popitem(last=False)
                self._bytes -= self.size(gone)


@dataclass
class Folder:
    """Files by key in a folder that the server removes when it ends.

    Attributes:
        path: The folder.
        limit: Bytes; the files that were used least recently are removed.
    """

    path: Path
    limit: int
    _turns: Turns = field(default_factory=Turns)
    _bytes: int = 0  # at most this much is in it

    def find(self, key: tuple[str, ...], suffix: str) -> Path | None:
        """The file of a key; None if it is not there."""
        path = self._path(key, suffix)
        return path if path.exists() else None

    def file(self, key: tuple[str, ...], suffix: str, make: Callable[[], bytes]) -> Path:
        """The file of a key, written now if it is not there."""
        path = self._path(key, suffix)
        with self._turns.of(path):
            if not path.exists():
                self._write(path, make())
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))  # used now
        return path

    def _path(self, key: tuple[str, ...], suffix: str) -> Path:
        return self.path / f"{hashlib.sha256(repr(key).encode()).hexdigest()}{suffix}"

    def _write(self, path: Path, content: bytes) -> None:
        with NamedTemporaryFile(dir=self.path, suffix=PART, delete=False) as part:
            part.write(content)
        Path(part.name).replace(path)
        with self._turns.of(self.path):
            self._bytes += len(content)
            if self._bytes > self.limit:
                self._remove_oldest(path)

    def _remove_oldest(self, keep: Path) -> None:
        files = [one for one in self.path.iterdir() if one.suffix != PART and one != keep]
        sizes = {one: one.stat() for one in files}
        self._bytes = keep.stat().st_size + sum(one.st_size for one in sizes.values())
        for file in sorted(files, key=lambda one: sizes[one].st_atime_ns):
            if self._bytes <= self.limit * ROOM:
                break
            file.unlink()
            self._bytes -= sizes[file].st_size
