"""Shadow runs through the program: what is reused, what is left out, what a kill costs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.schemas import CLIPS
from metrics.schemas import SCORES
from ridealong.lake import Lake, write_data_file
from shadow.schemas import OUTPUTS

pytestmark = pytest.mark.slow


def cells(program: Any, home: Path) -> list[dict[str, Any]]:
    done = program("shadow", "report", "latest", "--json", "--home", home)
    found: list[dict[str, Any]] = json.loads(done.stdout)["cells"]
    return found


def test_runs_at_two_frame_rates_keep_apart(
    demo_home: Path, repository: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    before = cells(program, home)
    slow = tmp_path / "slow"
    shutil.copytree(repository / "shadow/networks/shipped/hydra-1.1", slow)
    manifest = (slow / "manifest.yaml").read_text()
    changed = manifest.replace("rate_hz: 5", "rate_hz: 2").replace("'1.1'", "'1.1slow'")
    changed = changed.replace('"1.1"', '"1.1slow"')
    assert changed.count("1.1slow") == 1 and "rate_hz: 2" in changed
    (slow / "manifest.yaml").write_text(changed)
    ask("networks", "add", slow / "manifest.yaml", "--home", home)
    at = ("--deployed", "hydra-1.0", "--home", home)
    first = ask("shadow", "run", "--candidate", "hydra-1.1slow", *at)
    assert first["clips_replayed"] == first["clips"] > 1
    again = ask("shadow", "run", "--candidate", "hydra-1.1", *at)
    assert again["clips_replayed"] == 0
    assert cells(program, home) == before
    outputs = Lake.open(home).snapshot().read(OUTPUTS)
    assert len(outputs["definition"].unique()) == 2


def add_variant(repository: Path, folder: Path, ask: Any, home: Path, *changes: str) -> None:
    """Register hydra-1.1 once more, with texts of its manifest changed (old, new, old, new, …)."""
    shutil.copytree(repository / "shadow/networks/shipped/hydra-1.1", folder)
    manifest = (folder / "manifest.yaml").read_text()
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in manifest
        manifest = manifest.replace(old, new)
    (folder / "manifest.yaml").write_text(manifest)
    ask("networks", "add", folder / "manifest.yaml", "--home", home)


def test_a_run_is_compared_with_a_baseline_too(
    demo_home: Path, repository: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    run = ("shadow", "run", "--candidate", "hydra-1.1", "--home", home)
    first = ask(*run, "--baseline", "1")  # what is deployed: all is stored
    assert (first["baseline"], first["clips_replayed"]) == ("hydra-1.0", 0)
    for cell in cells(program, home):
        comparable = cell["delta"] is not None and cell["reference"] in ("labels", "self")
        assert (cell["worse_than_baseline"] is not None) is comparable
    add_variant(repository, tmp_path / "frozen", ask, home, "version: '1.1'", "version: frozen")
    scores = Lake.open(home).snapshot().read(SCORES)
    again = ask(*run, "--baseline", "hydra-frozen")  # the candidate under another name
    assert again["clips_replayed"] == again["clips"] and again["worse_than_baseline"] == 0
    added = Lake.open(home).snapshot().read(SCORES).num_rows - scores.num_rows
    own = [row for row in scores.to_pylist() if row["reference"] in ("labels", "self")]
    assert added == len(own) / 2  # its own scores, and no comparison
    document = ask("shadow", "runs", "list", "--home", home)[0]
    done = program("shadow", "report", document["run"], "--home", home)
    assert "worse than the baseline hydra-frozen: no check" in done.stdout
    found = json.loads(program("shadow", "report", "latest", "--json", "--home", home).stdout)
    assert (found["baseline"], found["labels"]) == ("hydra-frozen", first["labels"])


def test_a_baseline_that_cannot_be_is_one_line(
    demo_home: Path, repository: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    changes = ("version: '1.1'", "version: slow", "rate_hz: 5.0", "rate_hz: 2.0")
    add_variant(repository, tmp_path / "slow", ask, home, *changes)
    run = ("shadow", "run", "--candidate", "hydra-1.1", "--home", home, "--baseline")
    for baseline, words in (
        ("7", ("unknown release '7'", "the number of a release")),
        ("hydra-1.2", ("unknown release 'hydra-1.2'", "hydra-1.1")),
        ("hydra-slow", ("the baseline hydra-slow takes 2 frames a second", "at least the 5")),
    ):
        done = program(*run, baseline)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert all(word in line for word in words), line


def test_a_network_against_itself_is_warned_of_and_never_latest(
    demo_home: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    newest = ask("shadow", "runs", "list", "--home", home)[0]["run"]
    words = ("shadow", "run", "--deployed", "hydra-1.0", "--candidate", "hydra-1.0")
    done = program(*words, "--json", "--home", home)
    run = json.loads(done.stdout)
    assert run["against_itself"] and "warning: hydra-1.0 is compared with itself" in done.stderr
    report = json.loads(program("shadow", "report", run["run"], "--json", "--home", home).stdout)
    assert all(cell["delta"] in (None, 0.0) for cell in report["cells"])
    latest = json.loads(program("shadow", "report", "latest", "--json", "--home", home).stdout)
    assert latest["run"] == newest and not latest["against_itself"]


DAMAGE = {
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"X" * 9),
    "missing": lambda path: path.unlink(),
}


def test_damaged_clips_are_left_out_and_named(
    demo_home: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    rows = Lake.open(home).snapshot().read(CLIPS).to_pylist()
    filmed = [row for row in rows if row["cameras"]]
    assert len(filmed) > len(DAMAGE)
    labelled = [row for row in filmed if row["labelled"]]
    harmed = labelled[:1] + [row for row in filmed if row != labelled[0]][: len(DAMAGE) - 1]
    for row, damage in zip(harmed, DAMAGE.values(), strict=True):
        damage(home / row["blob"])
    run = ("shadow", "run", "--candidate", "hydra-1.1", "--json", "--home", home)
    done = program(*run)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    found = json.loads(done.stdout)
    assert (found["clips"], found["clips_replayed"]) == (len(filmed) - len(DAMAGE), 0)
    said = {clip["clip_id"]: clip["reason"] for clip in found["clips_left_out"]}
    assert said.keys() == {row["clip_id"] for row in harmed}
    assert all(row["blob"] in said[row["clip_id"]] for row in harmed)
    assert all(f"left out: clip {name}: {why}" in done.stderr for name, why in said.items())
    report = json.loads(program("shadow", "report", found["run"], "--json", "--home", home).stdout)
    assert report["clips_left_out"] == found["clips_left_out"]
    assert not any(c["verdict"] == "PASS" for c in report["cells"] if c["slice"] == "all")


def test_nothing_is_judged_where_no_clip_or_network_is_whole(
    demo_home: Path, program: Any, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    before = ask("shadow", "runs", "list", "--home", home)
    run = ("shadow", "run", "--candidate", "hydra-1.1", "--home", home)

    def refused(*words: str) -> None:
        done = program(*run)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
        [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert all(word in line for word in words), line
        assert ask("shadow", "runs", "list", "--home", home) == before

    weights = next(path for path in home.glob("blobs/*/*.safetensors"))
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused("the weights of hydra-1.", weights.name)
    weights.write_bytes(content)
    for path in home.glob("blobs/*/*.mcap"):
        path.write_bytes(b"not a clip")
    refused("none of the", "clips can be replayed")


def with_many_clips(demo_home: Path, home: Path, ask: Any, repository: Path, count: int) -> None:
    """A home with ``count`` clips of one short file, and a network that looks once in 2 s."""
    shutil.copytree(demo_home, home)
    slow = home.parent / "slow"
    shutil.copytree(repository / "shadow/networks/shipped/hydra-1.1", slow)
    manifest = (slow / "manifest.yaml").read_text()
    for old, new in (("rate_hz: 5.0", "rate_hz: 0.5"), ("'1.1'", "slow"), ('"1.1"', "slow")):
        manifest = manifest.replace(old, new)
    (slow / "manifest.yaml").write_text(manifest)
    ask("networks", "add", slow / "manifest.yaml", "--home", home)
    lake = Lake.open(home)
    clips = lake.snapshot().read(CLIPS).to_pylist()
    clip = min((c for c in clips if c["labelled"]), key=lambda c: c["end_ns"] - c["start_ns"])
    lake.delete({CLIPS: "true"})
    rows = [clip | {"clip_id": f"clip{number:02d}"} for number in range(count)]
    commit_id = lake.new_commit_id()
    table = pa.Table.from_pylist(rows, schema=CLIPS.schema)
    written = write_data_file(home, commit_id, CLIPS, table)
    assert written is not None
    lake.commit(commit_id, "test", [written])


def kill_at(progress: str, command: list[str]) -> None:
    """Run a command, and kill it with -9 as soon as it prints this line of progress."""
    each_step = os.environ | {"RIDEALONG_PROGRESS_S": "0"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=each_step) as process:
        assert process.stderr is not None
        came = any(line.rstrip("\n") == progress for line in process.stderr)
        process.kill()
    assert came and process.returncode in (-9, 0)  # 0: the kill came too late


def test_a_kill_at_nine_tenths_leaves_two_tenths_at_most(
    demo_home: Path, repository: Path, ask: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with_many_clips(demo_home, home, ask, repository, 10)
    words = ["shadow", "run", "--candidate", "hydra-slow", "--home", str(home)]
    kill_at("clips: 9/10", [sys.executable, "-m", "ridealong", *words])
    again = ask(*words)
    assert again["clips"] == 10 and again["clips_replayed"] <= 2
    # The same file under ten names: every clip has the same scores, and has them once.
    scores = Lake.open(home).snapshot().read(SCORES, where="clip_id like 'clip%'")
    of_clip: list[set[Any]] = [set() for _ in range(10)]
    for row in scores.drop_columns(["drive_id"]).to_pylist():
        of_clip[int(row.pop("clip_id")[4:])].add(tuple(map(str, row.values())))
    assert all(rows == of_clip[0] for rows in of_clip)
    assert scores.num_rows == 10 * len(of_clip[0])
