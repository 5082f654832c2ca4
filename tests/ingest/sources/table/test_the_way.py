"""The way from a CSV to a clip as ``docs/bring-your-own.md`` has it; and real trips."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[4]
PAGE = (REPOSITORY / "docs/bring-your-own.md").read_text("utf-8")


def braking(path: Path) -> Path:
    """A minute at 72 km/h with one hard brake, in a table of some other naming."""
    t = np.arange(600) / 10
    speed = np.interp(t, [0, 30, 33, 60], [20, 20, 5, 5])
    accel = np.gradient(speed, 0.1)
    lines = [f"{a:.1f};{v:.3f};{x:.3f}" for a, v, x in zip(t, speed, accel, strict=True)]
    path.write_text("\n".join(["time_s;speed_mps;accel_x_mps2", *lines, ""]).replace(".", ","))
    return path


def test_from_a_csv_to_a_clip(tmp_path: Path, program: Any) -> None:
    table = braking(tmp_path / "trips.csv")
    way = re.split(r"^#+ ", PAGE.split("## From a CSV to a clip")[1], flags=re.MULTILINE)[0]
    commands = re.findall(r"^ridealong (.*)$", way, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["sources", "ingest", "events", "clips"]
    paths = {"trips.csv": table, "map.yaml": tmp_path / "map.yaml"}
    said = []
    for command in commands:
        words = shlex.split(command.replace(" --triggers my-triggers/", ""))
        words = [str(paths.get(word, word)) for word in words]
        home = () if words[0] == "sources" else ("--home", tmp_path / "home")
        done = program(*words, *home, "--json")
        assert done.returncode == 0, done.stderr
        said.append(json.loads(done.stdout))
    _, ingested, events, clips = said
    assert ingested["rows"] == 600 and ingested["rows_quarantined"] == 0
    assert "hard_brake" in [event["trigger"] for event in events]
    assert clips[0]["telemetry_rows"] > 100


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ("signals: {v: {signal: Vehicle.Sped}}", 2, "unknown signal 'Vehicle.Sped'"),
        ("signals: {v: {signal: Vehicle.Speed, unit: kg}}", 2, "does not convert"),
        (
            "signals: {v: {signal: Vehicle.Speed}, w: {signal: Vehicle.Speed}}",
            2,
            "'v' and 'w' both give Vehicle.Speed",
        ),
        ("signals: {w: {signal: Vehicle.Speed}}", 2, "has no column 'w'"),
        ("signals: {v: {signal: Vehicle.Speed}}", 0, ""),
    ],
)
def test_a_mapping_that_does_not_fit(
    tmp_path: Path, program: Any, said: str, code: int, words: str
) -> None:
    (tmp_path / "x.csv").write_text("t,v\n0,1\n1,2\n")
    (tmp_path / "map.yaml").write_text(f"time: {{column: t, unit: s}}\n{said}\n")
    how = ("--source", "table", "--map", tmp_path / "map.yaml", "--home", tmp_path / "home")
    done = program("ingest", tmp_path / "x.csv", *how)
    assert done.returncode == code and words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert sum(words in line for line in done.stderr.splitlines()) == 1 or not words


@pytest.mark.real
def test_the_trips_of_a_twizy(tmp_path: Path, program: Any) -> None:
    data = Path(os.environ.get("RIDEALONG_TEST_DATA", "/none")) / "rsk_twizy_ev"
    if not data.exists():
        pytest.skip("RIDEALONG_TEST_DATA names no folder with rsk_twizy_ev")
    how = ("--source", "table", "--map", REPOSITORY / "examples/twizy.yaml")
    done = program("ingest", data, *how, "--home", tmp_path / "home", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    rows = [6189, 8521, 1049, 1032, 961]
    assert (report["drives"], report["rows_in"]) == (5, sum(rows))
    assert report["rows_quarantined"] == 10 + 57
    listed = program("quarantine", "list", "--home", tmp_path / "home", "--json")
    reasons = [row["reason"] for row in json.loads(listed.stdout)]
    assert sum("90/02/2032" in reason for reason in reasons) == 10
    assert sum(re.search("02/00/2090|29/00/2003", r) is not None for r in reasons) == 57


def test_zero_positions_of_a_twizy_are_counted(tmp_path: Path, program: Any) -> None:
    rows = "".join(f"03/29/2021,11:13:{s},9{s},{lat},{lat}\n" for s, lat in ((45, 0), (46, "33.9")))
    text = "Date,Time,Speed,LAT,LON\n" + rows
    mapping = (REPOSITORY / "examples/twizy.yaml").read_text().replace("  Temperature:", "  #")
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "map.yaml").write_text(mapping)
    how = ("--source", "table", "--map", tmp_path / "map.yaml", "--home", tmp_path / "home")
    done = program("ingest", tmp_path / "x.csv", *how, "--json")
    assert done.returncode == 0, done.stderr
    left_out = json.loads(done.stdout)["left_out"]
    assert [line.partition(": ")[2] for line in left_out] == [
        "LAT: 1 value unknown, as the mapping says",
        "LON: 1 value unknown, as the mapping says",
    ]
