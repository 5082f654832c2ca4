"""What is kept: made once, up to a number of bytes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dashboard.routes.memory import Folder, Memory


def test_the_least_recently_used_leaves() -> None:
    memory: Memory[bytes] = Memory(limit=10, size=len)
    made: list[str] = []

    def get(key: str, size: int = 4) -> bytes:
        return memory.get(key, lambda: made.append(key) or bytes(size))  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert made == ["a", "b", "c", "b"]  # b made room for c
    get("large", 11)
    get("large", 11)
    assert made[-2:] == ["large", "large"]  # more than the limit is never kept


def test_threads_that_ask_at_once_make_it_once_and_errors_are_not_kept() -> None:
    memory: Memory[int] = Memory(limit=10, size=lambda _: 1)
    asked, go, made = threading.Barrier(4), threading.Event(), []

    def make() -> int:
        assert go.wait(20)
        made.append(1)
        return 7

    def get() -> int:
        asked.wait(20)
        return memory.get("key", make)

    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(get) for _ in range(4)]
        go.set()
        assert [one.result(20) for one in found] == [7] * 4 and made == [1]
    with pytest.raises(ZeroDivisionError):
        memory.get("other", lambda: 1 // 0)
    assert memory.get("other", lambda: 2) == 2


def test_files_that_were_used_least_recently_are_removed(tmp_path: Path) -> None:
    folder, made = Folder(tmp_path, limit=100), []

    def file(name: str) -> Path:
        return folder.file((name,), ".x", lambda: made.append(name) or bytes(30))  # type: ignore[func-returns-value]

    first, second = file("a"), file("b")
    assert file("a") == first and first.read_bytes() == bytes(30)
    changed = first.stat().st_mtime_ns
    file("c")
    file("a")
    file("d")  # 120 bytes: the oldest use is b's, and then c's
    assert first.exists() and not second.exists() and first.stat().st_mtime_ns == changed
    assert folder.find(("b",), ".x") is None and folder.find(("a",), ".x") == first
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 100
    assert made == ["a", "b", "c", "d"]
