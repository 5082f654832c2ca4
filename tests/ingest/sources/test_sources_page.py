"""The examples of ``docs/sources.md`` run, and print what the page says."""

import re
from pathlib import Path

import pytest
import yaml

from ingest.sources.attributes import AttributesSpec
from ingest.sources.registry import source_names

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_source_of_your_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks("python")), "docs/sources.md", "exec"), {})
    assert capsys.readouterr().out == blocks("text")[0]


def test_the_attributes() -> None:
    (text,) = blocks("yaml")
    shown = yaml.safe_load(text)
    assert set(shown) == set(AttributesSpec.model_fields)
    AttributesSpec.model_validate(shown)


def test_every_source_is_in_the_table() -> None:
    assert {"comma2k19", "parquet", "video"} <= set(source_names())
    for name in ("comma2k19", "parquet", "video"):
        assert f"| `{name}` |" in PAGE
