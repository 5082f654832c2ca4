"""Networks of different cameras, sizes, rates and engines compare on what they share."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dashboard.release import queries
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.sharing import not_shared, not_shared_sentence, require_shared
from tests.oracles.graphs import detector, document, write_model


def manifest(name: str, cameras: list[str], *predictions: str) -> OnnxManifest:
    inputs = document()["inputs"]
    inputs["graph"]["images"]["cameras"] = cameras
    return OnnxManifest.model_validate(
        document(name=name, inputs=inputs, predictions=predictions, sha256="0" * 64)
    )


ONE = manifest("one", ["main", "rear"], "objects/car@main", "objects/bus@rear")
TWO = manifest("two", ["main", "front"], "objects/car@main", "objects/truck@main")


def test_what_only_one_has() -> None:
    found = not_shared(ONE, TWO)
    assert found.deployed.predictions == ("objects/bus@rear",) and found.deployed.cameras == (
        "rear",
    )
    assert found.candidate.predictions == ("objects/truck@main",)
    assert found.candidate.cameras == ("front",)


@pytest.mark.parametrize(
    ("deployed", "candidate", "said"),
    [
        (
            {"predictions": ["a", "b", "c", "d"], "cameras": ["rear"], "rate_hz": 5},
            {"predictions": ["e"], "cameras": [], "rate_hz": 5},
            "not compared: 4 predictions (a, b, c, and 1 more) and 1 camera (rear) of one-1 alone;"
            " 1 prediction (e) of two-1 alone",
        ),
        (
            {"predictions": [], "cameras": [], "rate_hz": 10},
            {"predictions": [], "cameras": ["x"], "rate_hz": 2.5},
            "not compared: 1 camera (x) of two-1 alone;"
            " both are judged at 2.5 frames a second as two-1, not 10 as one-1",
        ),
        (
            {"predictions": [], "cameras": [], "rate_hz": 5},
            {"predictions": [], "cameras": [], "rate_hz": 5},
            None,
        ),
    ],
)
def test_it_is_a_sentence(deployed: Any, candidate: Any, said: str | None) -> None:
    run = {"deployed": "one-1", "candidate": "two-1"}
    only = {"deployed": deployed, "candidate": candidate}
    assert not_shared_sentence({**run, "not_shared": only}) == said
    assert not_shared_sentence({**run, "not_shared": None}) is None


def test_networks_that_share_nothing() -> None:
    require_shared(ONE, TWO)
    other = manifest("other", ["front"], "objects/bus@front")
    with pytest.raises(RidealongError) as caught:
        require_shared(ONE, other)
    assert str(caught.value) == (
        "one-1 and other-1 share no prediction; expected one of objects/car@main, objects/bus@rear,"
        " in other-1; both give objects/bus, but of other cameras: rear and front"
    )
    nothing = manifest("other", ["main"], "objects/truck@main")
    with pytest.raises(RidealongError, match="a run compares the predictions that both manifests"):
        require_shared(ONE, nothing)


@pytest.mark.slow
def test_a_foreign_network_against_ours(
    demo_home: Path, tmp_path: Path, ask: Any, program: Any
) -> None:
    """Another engine, size and rate; a camera that no clip has, and two of hydra's."""
    home = shutil.copytree(demo_home, tmp_path / "home")
    inputs = document()["inputs"] | {"rate_hz": 2}
    inputs["graph"]["images"] |= {"cameras": ["front", "rear", "main"]}
    names = ["objects/car@main", "objects/car@front", "objects/pedestrian@rear"]
    path = write_model(tmp_path / "tiny", detector(), inputs=inputs, predictions=names)
    ask("networks", "add", path, "--home", home)
    pair = ("--deployed", "hydra-1.0", "--candidate", "tiny-1", "--home", home)
    ran = ask("shadow", "run", *pair)
    assert ran["clips"] == ran["clips_replayed"] > 0 and not ran["clips_left_out"]
    only = ran["not_shared"]
    assert only["candidate"] == {
        "predictions": ["objects/car@front"], "cameras": ["front"], "rate_hz": 2
    }  # fmt: skip
    assert only["deployed"]["rate_hz"] == 5
    assert "narrow" in only["deployed"]["cameras"] and "main" not in only["deployed"]["cameras"]
    assert len(only["deployed"]["predictions"]) == 167 - 2
    done = program("shadow", "report", "latest", "--json", "--home", home)
    report = json.loads(done.stdout)
    assert report["not_shared"] == only
    shared = {"objects/car@main", "objects/pedestrian@rear"}
    compared = [cell for cell in report["cells"] if cell["delta"] is not None]
    assert {cell["prediction"] for cell in compared} == shared
    said = "not compared: 165 predictions ("
    assert said in program("shadow", "report", "latest", "--home", home).stdout.replace("\n", " ")
    for form in ("markdown", "html"):
        ask("report", "latest", "--format", form, "--out", tmp_path / form, "--home", home)
        text = (tmp_path / form).read_text("utf-8")
        assert "alone" in text and "165 predictions" in text
    summary = queries.summary(Lake.open(home).snapshot(), ran["run"])
    assert summary.not_shared is not None and summary.not_shared.startswith(said)


@pytest.mark.slow
def test_other_cameras_alone_are_one_line(
    demo_home: Path, tmp_path: Path, ask: Any, program: Any
) -> None:
    home = shutil.copytree(demo_home, tmp_path / "home")
    inputs = document()["inputs"]
    inputs["graph"]["images"]["cameras"] = ["front"]
    path = write_model(tmp_path / "tiny", inputs=inputs, predictions=["objects/car@front"])
    ask("networks", "add", path, "--home", home)
    done = program("shadow", "run", "--candidate", "tiny-1", "--home", home)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "both give objects/car, but of other cameras: " in done.stderr
