"""Documentation is true: its commands run, all commands are in it, its links lead somewhere."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from ingest.listing import list_clips
from ingest.schemas import CLIPS
from metrics.gate.spec import DEFAULT_GATE
from ridealong import cli
from ridealong.lake import Lake
from tests.data.braking_bag import braking_messages, write_bag
from tests.data.result_files import write_every_format
from tests.oracles.graphs import detector
from tests.oracles.homes import add_drives

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BAG_MAP = "signals: {/odom.twist.twist.linear.x: {signal: Vehicle.Speed, unit: m/s}}"
TINY = "tests/shadow/networks/hydranet/training/tiny.yaml"  # a recipe of seconds
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SESSION = "console"  # needs the package of its page: test_extending.py, test_bring_your_own.py
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def commands_of(page: Path) -> list[str]:
    """The lines of a page's code blocks that start the program, without their comments."""
    found = FENCE.findall(page.read_text("utf-8"))
    blocks = [block for language, block in found if language != SESSION]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("ridealong ")]


def leaves(group: Any, name: str = "") -> dict[str, Any]:
    """Every command of the program by its full name."""
    if not hasattr(group, "commands"):
        return {name.strip(): group}
    return {
        full: leaf
        for part, inner in group.commands.items()
        for full, leaf in leaves(inner, f"{name} {part}").items()
    }


COMMANDS = leaves(typer.main.get_command(cli.app))


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if commands_of(p)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(
    page: Path, demo_home: Path, training: Path, program: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    shutil.copytree(training / "work", tmp_path / "training")  # which the same command finds done
    clip = list_clips(Lake.open(home).snapshot(), "source = 'video'")["clip_id"][0].as_py()
    if any("quantize" in command for command in commands_of(page)):
        add_drives(home, 4, road="highway")
        Lake.open(home).delete({CLIPS: "drive_id not like 'added%'"})  # a run replays them all
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("{name: small, drives: 1, duration: 8 s, seed: 3, rig: {label_hz: 1}}")
    shipped = REPOSITORY / "shadow/networks/shipped/hydra-1.0/manifest.yaml"
    statistics = "drive,item,prediction,metric,value,weather\n" + "".join(
        f"{drive},{item},stop signs,recall,{item % 2},{('rain', 'sun')[drive % 2]}\n"
        for drive in range(20)
        for item in range(4)
    )
    for name in ("deployed", "candidate"):
        (tmp_path / f"{name}.csv").write_text(statistics)
    gate = tmp_path / "gate.yaml"
    gate.write_text("required: [{prediction: stop signs, metric: recall, margin: 0.02}]")
    bag = write_bag(tmp_path / "bag", braking_messages(seconds=25, camera_hz=2))
    (tmp_path / "bag.yaml").write_text(BAG_MAP)
    (tmp_path / "my.onnx").write_bytes(detector().SerializeToString())
    (tmp_path / "trips.csv").write_text("t_s,speed_kmh\n" + "".join(f"{t},50\n" for t in range(99)))
    stand_ins = {
        "bag/": str(bag),
        "bag.yaml": str(tmp_path / "bag.yaml"),
        "trips.csv": str(tmp_path / "trips.csv"),
        "map.yaml": str(tmp_path / "map.yaml"),
        "my.onnx": str(tmp_path / "my.onnx"),
        "my.yaml": str(tmp_path / "my.yaml"),
        "deployed.csv": str(tmp_path / "deployed.csv"),
        "candidate.csv": str(tmp_path / "candidate.csv"),
        "CLIP": clip,
        "light = 'night'": "weather = 'clear'",  # this home has no night
        "RUN": "latest",
        "clip.png": str(tmp_path / "clip.png"),
        "labels": str(tmp_path / "labels"),
        "FOLDER": str(tmp_path / "folder"),
        "IMAGES": str(tmp_path),
        "my-network/manifest.yaml": str(shipped),
        "hydra-1.2": "hydra-1.1",
        "examples/fleet.yaml": str(fleet),
        "examples/recipes/hydra-1.0.yaml": str(REPOSITORY / TINY),
        "training": str(tmp_path / "training"),
        "exported": str(tmp_path / "exported"),
        "training/hydra-1.0/manifest.yaml": str(shipped),
        "fleet": str(tmp_path / "fleet"),
        "my-triggers/": "examples/triggers",
        **(write_every_format(tmp_path / "files") if page.stem == "predictions" else {}),
        "gate.yaml": str(gate if page.stem == "statistics" else DEFAULT_GATE),
        **{name: str(tmp_path / name) for name in ("verdict.xml", "verdict.md", "verdict.html")},
    }
    for command in dict.fromkeys(commands_of(page)):
        words = shlex.split(command)[1:]
        if words[0] in ("demo", "dashboard"):
            continue  # their own tests run them
        # The first word may be the command `labels`; only arguments have stand-ins.
        known = stand_ins
        if words[:2] == ["labels", "import"]:
            folder = exported_to_label(words[words.index("--format") + 1], tmp_path, home, program)
            known = {"labels": str(folder), "annotations.xml": str(folder / "annotations.xml")}
        words = words[:1] + [known.get(word, word) for word in words[1:]]
        done = program(*words, RIDEALONG_HOME=str(home))
        judging = words[:2] in (["shadow", "report"], ["gate", "check"]) or "promote" in words
        scoring = words[:2] == ["shadow", "score"]
        lossless = "--frames loss" in command  # this home's run has no regression
        allowed = (0, 1, 2) if judging else (0, 1) if scoring else (0, 2) if lossless else (0,)
        assert done.returncode in allowed, (command, done.stderr)
        assert "Traceback" not in done.stderr


def exported_to_label(form: str, folder: Path, home: Path, program: Any) -> Path:
    """An export in a format, as a labeling tool would give it back."""
    out = folder / f"made-{form}"
    if not out.exists():
        which = ("--run", "latest", "--limit", "1", "--frames", "labelled", "--format", form)
        done = program("labels", "export", *which, "--out", out, RIDEALONG_HOME=str(home))
        assert done.returncode == 0, done.stderr
    return out


def test_every_command_is_documented() -> None:
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    missing = [name for name in COMMANDS if not re.search(rf"(ridealong |`){name}\b", text)]
    assert not missing


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_and_has_json(name: str, program: Any) -> None:
    done = program(*name.split(), "--help")
    assert done.returncode == 0
    assert len(COMMANDS[name].help or "") > 30
    assert f"Example: ridealong {name}" in COMMANDS[name].help
    repeats = done.stdout.replace("]...", "").replace("}...", "")  # of arguments, in the usage
    assert "…" not in done.stdout and "..." not in repeats
    assert "--json" in [option for p in COMMANDS[name].params for option in p.opts]


@pytest.mark.parametrize("group", ["", *sorted({name.split()[0] for name in COMMANDS})])
def test_what_a_group_holds_is_told_whole(group: str, program: Any) -> None:
    told = program(*group.split(), "--help", COLUMNS="80").stdout
    assert "..." not in told.partition("Commands:")[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
