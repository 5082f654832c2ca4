"""Users' mistakes: one clear line, exit code 2, the lake unchanged."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ridealong.lake.files import TEMPORARY

pytestmark = pytest.mark.slow

TRIGGER = """
name: mine
description: A trigger of mine.
when: {when}
pre: 2 s
post: 2 s
"""

CASES = {
    "unknown signal": ("Vehicle.Sped > 3", ["Vehicle.Sped", "Vehicle.Speed"]),
    "wrong unit": ("Vehicle.Speed > '3 m'", ["m", "km/h"]),
    "wrong type": ("Vehicle.Speed", ["condition"]),
    "syntax error": ("Vehicle.Speed > > 3", ["column"]),
}


def listing(home: Path) -> list[str]:
    """The files of a home, but for those with which others try whether they may write."""
    files = (path for path in home.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if not path.name.startswith(TEMPORARY))


def refused(done: Any, *words: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize("case", CASES)
def test_triggers(case: str, demo_home: Path, program: Any, tmp_path: Path) -> None:
    when, words = CASES[case]
    path = tmp_path / "mine.yaml"
    path.write_text(TRIGGER.format(when=f'"{when}"'))
    before = listing(demo_home)
    refused(program("triggers", "check", path), "mine.yaml", *words)
    refused(
        program("ingest", "examples/comma2k19_first30s", "--triggers", path, "--home", demo_home),
        "mine.yaml",
    )
    assert listing(demo_home) == before


def test_names_that_are_not_there(demo_home: Path, program: Any, tmp_path: Path) -> None:
    before = listing(demo_home)
    at = ("--home", demo_home)
    refused(program("clips", "show", "nosuchclip", *at), "nosuchclip")
    refused(program("clips", "verify", "nosuchclip", *at), "nosuchclip")
    refused(program("shadow", "report", "nosuchrun", *at), "nosuchrun")
    refused(program("shadow", "run", "--candidate", "hydra-1.9", *at), "hydra-1.")
    refused(program("labels", "export", "--run", "nosuchrun", "--out", tmp_path / "x", *at))
    cells = ("labels", "export", "--out", tmp_path / "x", *at)
    refused(program(*cells, "--prediction", "objects/cra@main"), "did you mean 'objects/car@main'")
    refused(program(*cells, "--metric", "f2"), "'f2'", "f1")
    refused(program(*cells, "--slice", "lihgt=night"), "lihgt=night", "light")
    refused(program(*cells, "--slice", "light=noon"), "'light=noon'", "light=")
    refused(program("networks", "promote", "hydra-1.1", "--run", "latest", *at), "INCONCLUSIVE")
    refused(program("ingest", tmp_path / "nothing here", *at), "nothing here")
    refused(program("ingest", tmp_path, "--source", "comma2k91", *at), "comma2k19")
    refused(program("clips", "list", "--where", "lihgt = 'night'", *at), "light")
    refused(program("shadow", "run", "--candidate", "hydra-1.1", "--where", "light = 'x'", *at))
    assert listing(demo_home) == before and not (tmp_path / "x").exists()


def test_homes_that_are_none(program: Any, tmp_path: Path) -> None:
    refused(program("clips", "list", "--home", tmp_path / "gone"), "gone")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file.txt").write_text("mine")
    refused(program("clips", "list", "--home", tmp_path / "other"), "not a home")
    refused(program("demo", "--home", tmp_path / "other"), "file.txt")
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "home.json").write_text('{"format": 99}')
    refused(program("clips", "list", "--home", newer), "99", "newer")


def test_paths_with_bars_and_spaces(examples: Path, program: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my videos | 2026"
    folder.mkdir()
    source = next((examples / "udacity_highway_video").glob("*.mp4"))
    (folder / "a drive|one.mp4").write_bytes(source.read_bytes())
    (folder / "no video.mp4").write_text("this is text")
    home = tmp_path / "a home | here"
    done = program("ingest", folder, "--source", "video", "--home", home)
    assert done.returncode == 2 and "1 drive," in done.stdout, done.stderr
    assert "quarantined: " in done.stderr and "no video.mp4: cannot be read" in done.stderr
    assert program("clips", "verify", "--all", "--home", home).returncode == 0


def test_networks_that_cannot_be_trusted(
    demo_home: Path, repository: Path, program: Any, tmp_path: Path
) -> None:
    shipped = repository / "shadow/networks/shipped/hydra-1.0"
    manifest = (shipped / "manifest.yaml").read_text()
    weights = (shipped / "weights.safetensors").read_bytes()
    before = listing(demo_home)

    def adding(text: str, name: str, content: bytes) -> Any:
        (tmp_path / "manifest.yaml").write_text(text)
        (tmp_path / name).write_bytes(content)
        return program("networks", "add", tmp_path / "manifest.yaml", "--home", demo_home)

    flipped = weights[:-1] + bytes([weights[-1] ^ 1])
    refused(adding(manifest, "weights.safetensors", flipped), "weights.safetensors")
    promised = manifest.replace("- objects/car@main", "- objects/tram@main")
    assert promised != manifest
    refused(adding(promised, "weights.safetensors", weights), "objects/tram@main")
    for name in ("weights.pt", "weights.pt2", "weights.pkl"):
        text = manifest.replace("weights.safetensors", name)
        refused(adding(text, name, b"\x80\x04K\x01."), "safetensors")
    assert listing(demo_home) == before


def test_options_out_of_range(demo_home: Path, program: Any, tmp_path: Path) -> None:
    at = ("--home", demo_home)
    clips = program("clips", "list", "--where", "source = 'video'", "--json", *at)
    clip = json.loads(clips.stdout)[0]["clip_id"]
    picture = tmp_path / "clip.png"
    refused(program("clips", "show", clip, "--picture", picture, "--at", "99", *at), "outside")
    refused(program("clips", "show", clip, "--picture", picture, "--at", "nan", *at), "outside")
    refused(program("clips", "show", clip, "--picture", tmp_path / "no" / "x.png", *at), "x.png")
    refused(program("shadow", "run", "--candidate", "hydra-1.1", "--device", "toaster", *at))
    refused(program("lake", "vacuum", "--older-than", "inf s", *at), "'inf s' is not a duration")
    refused(program("ingest", "examples/triggers", "--source", "video", *at, "--", "--runner=Nix"))
    refused(program("clips", "list", "--where", "", *at), "--where")


def test_a_truncated_clip(demo_home: Path, program: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    clips = program("clips", "list", "--where", "source = 'video'", "--json", "--home", home)
    clip_id = json.loads(clips.stdout)[0]["clip_id"]
    stored = json.loads(program("clips", "show", clip_id, "--json", "--home", home).stdout)
    clip = home / stored["blob"]
    clip.write_bytes(clip.read_bytes()[:-1000])
    refused(program("clips", "show", clip_id, "--picture", tmp_path / "x.png", "--home", home))
    assert program("clips", "verify", "--all", "--home", home).returncode == 1


def test_a_wrong_source_does_not_spoil_a_file(
    examples: Path, home: Path, program: Any, tmp_path: Path
) -> None:
    video = next((examples / "udacity_highway_video").glob("*.mp4"))
    wrong = program("ingest", video, "--source", "parquet", "--home", home)
    assert wrong.returncode == 2 and "1 file and 0 rows quarantined" in wrong.stdout
    right = program("ingest", video, "--source", "video", "--home", home)
    assert right.returncode == 0 and "1 drive," in right.stdout
