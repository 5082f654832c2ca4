"""Choosing sources by name."""

import pytest

from ingest.sources.registry import SOURCES, sources_called
from ridealong.errors import RidealongError


def test_names() -> None:
    assert {"comma2k19", "video", "parquet"} <= set(SOURCES)
    assert all(name == source.name for name, source in SOURCES.items())
    assert sources_called("video") == [SOURCES["video"]]
    assert sources_called(None) == list(SOURCES.values())


def test_unknown_name() -> None:
    with pytest.raises(RidealongError, match="unknown source 'coma2k19'; did you mean 'comma2k19'"):
        sources_called("coma2k19")
    with pytest.raises(RidealongError, match="unknown source 'zzz'; known: comma2k19"):
        sources_called("zzz")
