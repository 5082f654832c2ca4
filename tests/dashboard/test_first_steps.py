"""The next step of a home without clips: a page where a page can do it."""

from pathlib import Path

from dashboard.first_steps import first_clips
from ridealong.lake import Lake


def test_a_new_home_needs_drives_first(tmp_path: Path) -> None:
    assert "`ridealong ingest`" in first_clips(Lake.create(tmp_path / "home").snapshot())


def test_drives_without_clips_lead_to_the_triggers(fleet_home: Path) -> None:
    said = first_clips(Lake.open(fleet_home).snapshot())
    assert "24 drives" in said and "(/triggers)" in said and "`" not in said
