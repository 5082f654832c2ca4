"""Choosing a source, by name and by looking."""

from pathlib import Path

import pytest

from ingest.errors import RidealongError
from ingest.sources.registry import SOURCES, find_source


def test_names() -> None:
    assert {"comma2k19", "video", "parquet"} <= set(SOURCES)
    assert all(name == source.name for name, source in SOURCES.items())


def test_recognised(comma: Path, highway: Path, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").touch()
    assert find_source(None, comma).name == "comma2k19"
    assert find_source(None, highway).name == "video"
    assert find_source(None, highway / "solidWhiteRight.mp4").name == "video"
    assert find_source(None, tmp_path).name == "parquet"


def test_named(comma: Path) -> None:
    assert find_source("video", comma) is SOURCES["video"]


def test_unknown_name(comma: Path) -> None:
    with pytest.raises(RidealongError, match="unknown source 'coma2k19'; did you mean 'comma2k19'"):
        find_source("coma2k19", comma)
    with pytest.raises(RidealongError, match="unknown source 'zzz'; known: comma2k19"):
        find_source("zzz", comma)


def test_nowhere(tmp_path: Path) -> None:
    for name in (None, "video"):
        with pytest.raises(RidealongError, match="no such file or folder"):
            find_source(name, tmp_path / "none")


def test_nobodys(tmp_path: Path) -> None:
    with pytest.raises(RidealongError, match="no kind of log that is known; expected one of"):
        find_source(None, tmp_path)
