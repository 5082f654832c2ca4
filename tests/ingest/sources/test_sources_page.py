"""What ``docs/sources.md`` says of attributes and sources is so; `test_extending` runs a source."""

import re
from pathlib import Path

import yaml

from ingest.sources.attributes import AttributesSpec
from ingest.sources.bags.mapping import BagMap
from ingest.sources.joined.spec import JoinedSpec
from ingest.sources.mapping.fields import FieldSpec
from ingest.sources.registry import source_names
from ingest.sources.table.spec import TableMapping, parse_mapping
from ridealong.specs import parse_spec

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_attributes() -> None:
    shown = yaml.safe_load(blocks("yaml")[0])
    assert set(shown) == set(AttributesSpec.model_fields)
    AttributesSpec.model_validate(shown)


def test_the_mapping() -> None:
    mapping = parse_mapping(blocks("yaml")[1], "docs/sources.md")
    assert set(mapping.model_fields_set) == set(TableMapping.model_fields)
    shown = {key for field in mapping.signals.values() for key in field.model_fields_set}
    for key in FieldSpec.model_fields:
        assert f"`{key}`" in PAGE, key
    assert shown


def test_the_drive_file() -> None:
    spec = parse_spec(blocks("yaml")[3], JoinedSpec, "docs/sources.md")
    assert spec.timing_of(spec.cameras["left"]).zone == "Europe/Berlin"


def test_the_mapping_of_a_bag() -> None:
    mapping = BagMap.model_validate(yaml.safe_load(blocks("yaml")[2]))
    assert mapping.model_fields_set == set(BagMap.model_fields)


def test_every_source_is_in_the_table() -> None:
    assert {"comma2k19", "parquet", "video"} <= set(source_names())
    for name in ("comma2k19", "joined", "mcap", "parquet", "ros2", "table", "video"):
        assert f"| `{name}` |" in PAGE
