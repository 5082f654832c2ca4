"""One byte of any data file flipped: what reads it refuses in one line, and says nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dashboard.compare import queries as queries_compare
from dashboard.compare.cell_queries import look
from dashboard.compare.filters import Filters
from dashboard.filtering.clips import FOUND
from dashboard.fleet import health_queries
from dashboard.fleet import map_queries as queries_fleet_map
from dashboard.fleet import queries as queries_fleet
from dashboard.routes import behind as behind_route
from dashboard.routes.signals import known_signals
from ingest.listing import list_clips
from ingest.schemas import CLIP_NOTES, CLIP_TAGS, CLIPS, DRIVES, EVENTS
from metrics.gate.spec import load_gate
from metrics.schemas import MATCHES
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot, history, write_blob, write_data_file
from ridealong.lake.tables import TableSpec
from shadow.judging import judge_again
from shadow.kept import kept_files
from shadow.networks.opening import load_manifest
from shadow.networks.registry import shipped_manifests
from shadow.releases.promotion import deployed
from shadow.runs import list_runs
from shadow.schemas import NETWORKS, OUTPUTS, RELEASES

COMMANDS = {
    "drives list": ("drives", "list"),
    "events list": ("events", "list"),
    "clips list": ("clips", "list", "--where", "light = 'night'"),
    "clips show": ("clips", "show", "drive-003-clip-1"),
    "networks list": ("networks", "list"),
    "promote": ("networks", "promote", "hydra-1.1", "--run", "latest"),  # it regressed: refused
    "shadow report": ("shadow", "report", "latest"),
}
# All that reads each table; the table of commits is read by whatever reads any.
READERS = {
    "clips": [
        "clips list",
        "clips show",
        "costs",
        "event places",
        "export",
        "fleet totals",
        "page clips",
        "verdict",
    ],
    "drives": [
        "clips list",
        "costs",
        "drives by",
        "drives list",
        "event places",
        "export",
        "fleet map",
        "fleet totals",
        "page clips",
        "roads",
        "verdict",
    ],
    "events": [
        "event places",
        "events by trigger",
        "events list",
        "fleet totals",
        "plan of an ingest",
    ],
    "matches": ["costs", "export", "verdict"],
    "networks": ["networks list", "promote"],
    "outputs": ["outputs"],
    "quarantine": ["quarantine"],
    "releases": ["deployed", "networks list", "promote"],
    "roads": ["roads"],
    "runs": [
        "cells",
        "costs",
        "export",
        "pairs",
        "promote",
        "runs",
        "shadow report",
        "verdict",
    ],
    "scores": ["costs", "export", "verdict"],
    "telemetry": ["event places", "fleet map", "roads", "telemetry"],
    "verdicts": ["cells", "costs", "export", "shadow report"],
}


def verdict(snapshot: Snapshot) -> Any:
    return judge_again(snapshot, queries_compare.runs(snapshot)[0], load_gate()).cells


def export(snapshot: Snapshot) -> Any:
    """What decides which clips an export holds."""
    from shadow.losses import CellNames, clip_losses, losing_cells
    from shadow.report import run_cells
    from shadow.runs import find_run

    run = find_run(snapshot, "latest")
    cells = losing_cells(run_cells(snapshot, run["run_id"]), CellNames(None, None, None))
    return list_clips(snapshot).num_rows, clip_losses(snapshot, run, cells)


def costs(snapshot: Snapshot) -> Any:
    run = queries_compare.runs(snapshot)[0]
    found = look(queries_compare.read_checks(snapshot, run["run_id"], None), {}, Filters())
    assert found is not None
    return behind_route.behind(snapshot, run, found.cell)


def cells(snapshot: Snapshot) -> Any:
    checks = queries_compare.read_checks(
        snapshot, queries_compare.runs(snapshot)[0]["run_id"], None
    )
    return queries_compare.grid(checks, Filters())


def area(snapshot: Snapshot) -> Any:
    return queries_fleet_map.areas(snapshot)[0]


START = 1_772_010_820_000_000_000
CLIP = {"drive_id": "drive-003", "start_ns": START, "end_ns": START + 10**10}
QUERIES: dict[str, Callable[[Snapshot], Any]] = {
    "verdict": verdict,
    "export": export,
    "costs": costs,
    "deployed": deployed,
    "plan of an ingest": lambda s: s.read(EVENTS, where="kept").num_rows,
    "page clips": lambda s: s.query(FOUND, CLIPS, DRIVES, CLIP_TAGS, CLIP_NOTES),
    "pairs": list_runs,
    "outputs": lambda s: kept_files(s, "test"),
    "telemetry": lambda s: known_signals(s, CLIP),
    "runs": queries_compare.runs,
    "cells": cells,
    "fleet totals": queries_fleet.totals,
    "events by trigger": queries_fleet.events_by_trigger,
    "drives by": queries_fleet.drives_by,
    "quarantine": health_queries.quarantine,
    "health": health_queries.health,
    "fleet map": lambda s: queries_fleet_map.tracks(s, area(s)),
    "roads": lambda s: queries_fleet_map.roads(s, area(s)),
    "event places": lambda s: queries_fleet_map.event_places(s, area(s)),
}


def one_row(spec: TableSpec, **known: Any) -> pa.Table:
    return pa.Table.from_pylist([known], schema=spec.schema)


@pytest.fixture(scope="module")
def whole_home(fleet_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up fleet, with rows also in the tables that it leaves empty."""
    home = tmp_path_factory.mktemp("damage") / "home"
    shutil.copytree(fleet_home, home)
    lake = Lake.open(home)
    commit_id = lake.new_commit_id()
    tables = {spec: [] for spec in (NETWORKS, MATCHES, OUTPUTS, RELEASES)}
    for path in shipped_manifests():
        manifest = load_manifest(path)
        row = {"network": manifest.id, "manifest": manifest.as_json()}
        row |= {"network_sha256": manifest.network_sha256, "parameters": 1, "added_ns": 1}
        blob = write_blob(home, commit_id, path, ".yaml").path
        tables[NETWORKS].append(one_row(NETWORKS, **row, blob=blob))
    said = {"network_sha256": "0" * 64, "clip_id": "drive-003-clip-1", "drive_id": "drive-003"}
    tables[MATCHES].append(one_row(MATCHES, **said, prediction="objects/car@main", timestamp_ns=1))
    tables[OUTPUTS].append(one_row(OUTPUTS, **said, definition="test", timestamp_ns=1))
    tables[RELEASES].append(one_row(RELEASES, release=1, network="hydra-1.0", time_ns=1))
    files = [
        write_data_file(home, commit_id, spec, pa.concat_tables(parts))
        for spec, parts in tables.items()
    ]
    lake.commit(commit_id, "test", [file for file in files if file], ["test"])
    return home


def forget() -> None:
    """What a process of its own would not know; files are noticed to have changed without it."""
    history._READ.clear()
    history._rows.cache_clear()


def told(home: Path, name: str, program: Any) -> str:
    """What a command or query says: its result, or (``error: …``) its one line."""
    if name in COMMANDS:
        done = program(*COMMANDS[name], "--home", home)
        lines = done.stderr.splitlines()
        if done.returncode != 2:
            return f"{done.returncode} {done.stdout}"
        assert len(lines) == 1 and not done.stdout, (done.stdout, done.stderr)
        return str(lines[0])
    try:
        return str(QUERIES[name](Lake.open(home).snapshot()))
    except RidealongError as error:
        assert "\n" not in str(error)
        return f"error: {error}"


@pytest.fixture(scope="module")
def sound(whole_home: Path) -> dict[str, str]:
    return {}


def data_file(home: Path, table: str) -> Path:
    """A data file of the table that counts; of ``commits``, one of those that are listed."""
    snapshot = Lake.open(home).snapshot()
    if table == "commits":
        return next(home.glob(f"commits/{snapshot.history.commits[0].commit_id}/*.parquet"))
    return Path(snapshot.files(table)[0])


@pytest.mark.parametrize("table", ["commits", *READERS])
def test_a_flipped_byte_stops_whatever_reads_the_file(
    table: str, whole_home: Path, sound: dict[str, str], program: Any
) -> None:
    readers = READERS.get(table) or [*COMMANDS, *QUERIES]
    for name in readers:
        sound[name] = sound.get(name) or told(whole_home, name, program)
    path = data_file(whole_home, table)
    content = path.read_bytes()
    try:
        damaged = bytearray(content)
        damaged[len(damaged) // 3] ^= 16
        path.write_bytes(damaged)
        forget()
        for name in readers:
            line = told(whole_home, name, program)
            assert line.startswith(f"error: {path}: the file is damaged"), name
            assert "ridealong lake check" in line
    finally:
        path.write_bytes(content)
        forget()


def test_nothing_of_the_sound_home_is_refused(
    whole_home: Path, sound: dict[str, str], program: Any
) -> None:
    for name in (*COMMANDS, *QUERIES):
        sound[name] = sound.get(name) or told(whole_home, name, program)
    refused = {name for name, said in sound.items() if said.startswith("error")}
    assert refused == {"promote"} and "expected a run of hydra-1.1" in sound["promote"]
