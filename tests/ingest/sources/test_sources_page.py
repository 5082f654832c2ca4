"""What ``docs/sources.md`` says of attributes and sources is so; `test_extending` runs a source."""

import re
from pathlib import Path

import yaml

from ingest.sources.attributes import AttributesSpec
from ingest.sources.registry import source_names

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_attributes() -> None:
    (text,) = blocks("yaml")
    shown = yaml.safe_load(text)
    assert set(shown) == set(AttributesSpec.model_fields)
    AttributesSpec.model_validate(shown)


def test_every_source_is_in_the_table() -> None:
    assert {"comma2k19", "parquet", "video"} <= set(source_names())
    for name in ("comma2k19", "parquet", "video"):
        assert f"| `{name}` |" in PAGE
