"""From an ONNX file or a Python package to a verdict, and graphs that fail on clips."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from onnx import ModelProto, TensorProto, helper

from tests.data.page_package import blocks, install_package
from tests.oracles.graphs import CATEGORIES, detector, graph

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs/bring-your-own.md").read_text("utf-8")
FLOAT = TensorProto.FLOAT
SHAPE = ["n", 3, 96, 160]


@pytest.fixture
def own_home(demo_home: Path, tmp_path: Path) -> Path:
    """A copy of the demo's home: hydra-1.0 is deployed."""
    return shutil.copytree(demo_home, tmp_path / "home")


def drafted(program: Any, home: Path, folder: Path, model: ModelProto) -> str:
    """Write the model and register it with the manifest that was drafted; gives its id."""
    folder.mkdir()
    (folder / "my.onnx").write_bytes(model.SerializeToString())
    for words in (
        ("init", folder / "my.onnx", "--out", folder / "my.yaml"),
        ("add", folder / "my.yaml", "--home", home),
    ):
        done = program("networks", *words)
        assert done.returncode == 0, done.stderr
    return "my-1.0"


def test_from_an_onnx_file_to_a_verdict(own_home: Path, tmp_path: Path, program: Any) -> None:
    network = drafted(program, own_home, tmp_path / "my", detector(height=96, width=160))
    done = program("networks", "check", network, "--home", own_home, "--json")
    assert done.returncode == 0, done.stderr
    assert {c["check"].partition("(")[2][:4] for c in json.loads(done.stdout)["checks"]} == {
        "4 ma", "clip"
    }  # fmt: skip
    words = ["--deployed", "hydra-1.0", "--candidate", network, "--home", own_home, "--json"]
    done = program("shadow", "run", *words)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verdict"] in ("REGRESSED", "INCONCLUSIVE") and said["clips_left_out"] == []
    assert said["clips"] == said["clips_replayed"] > 0
    done = program("shadow", "report", "latest", "--home", own_home, "--json")
    cells = json.loads(done.stdout)["cells"]
    judged = {cell["prediction"] for cell in cells if cell["candidate"] is not None}
    assert judged and judged <= {f"objects/{name}@main" for name in CATEGORIES}


def nan_outside(least: float, most: float) -> ModelProto:
    """The scores are NaN where the image is darker or brighter on average (0 to 1)."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Sub", ["mean", "least"], ["above"]),
        helper.make_node("Sub", ["most", "mean"], ["below"]),
        helper.make_node("Mul", ["above", "below"], ["inside"]),
        helper.make_node("Sqrt", ["inside"], ["root"]),
        helper.make_node("Reshape", ["root", "as_scores"], ["column"]),
        helper.make_node("Mul", ["column", "tenth"], ["low"]),
        helper.make_node("Add", ["low", "half"], ["scores"]),
        helper.make_node("Shape", ["mean"], ["sizes"], end=1),
        helper.make_node("Concat", ["sizes", "rest"], ["all"], axis=0),
        helper.make_node("Expand", ["corners", "all"], ["boxes"]),
    ]
    return graph(
        nodes,
        {"images": (FLOAT, SHAPE)},
        {"boxes": (FLOAT, ["n", 1, 4]), "scores": (FLOAT, ["n", 1, 6])},
        {
            "least": np.float32(least),
            "most": np.float32(most),
            "as_scores": np.array([-1, 1, 1]),
            "tenth": np.full((1, 1, 6), 0.1, np.float32),
            "half": np.float32(0.5),
            "rest": np.array([1, 4]),
            "corners": np.array([[[10, 20, 50, 60]]], np.float32),
        },
    )


def brightness(own_home: Path) -> list[float]:
    """The least mean of an image of the main camera of each clip, 0 to 1, ascending."""
    from ingest.clips.read import open_clip
    from ingest.listing import list_clips
    from ridealong.lake import Lake

    lake, least = Lake.open(own_home), []
    for blob in list_clips(lake.snapshot())["blob"].to_pylist():
        with open_clip(lake.path(blob)) as reader:
            sets = reader.read_sets(["main"], 5.0)
        if sets.present.any():
            images = sets.images["main"][sets.present[:, 0]]
            least.append(float(images.mean(axis=(1, 2, 3)).min()) / 255)
    return sorted(least)


def test_nan_on_some_clips_and_on_all(own_home: Path, tmp_path: Path, program: Any) -> None:
    least = brightness(own_home)
    limit = (least[0] + least[1]) / 2
    drafted(program, own_home, tmp_path / "some", nan_outside(limit, 1.1))
    run = ("shadow", "run", "--deployed", "hydra-1.0", "--home", own_home, "--json")
    done = program(*run, "--candidate", "my-1.0")
    assert done.returncode == 0, done.stderr
    (left,) = json.loads(done.stdout)["clips_left_out"]
    assert left["reason"].startswith("my-1.0: output 'scores' is NaN in frame ")
    # The noise that `add` tries is of middle brightness on average; no clip is in every frame.
    (tmp_path / "some/all.onnx").write_bytes(nan_outside(0.495, 0.505).SerializeToString())
    for words in (
        ("init", tmp_path / "some/all.onnx", "--out", tmp_path / "some/all.yaml"),
        ("add", tmp_path / "some/all.yaml", "--home", own_home),
    ):
        assert program("networks", *words).returncode == 0
    done = program(*run, "--candidate", "all-1.0")
    assert done.returncode == 2 and not done.stdout
    assert "can be replayed" in done.stderr and "output 'scores' is NaN in frame" in done.stderr
    assert "Traceback" not in done.stderr


def test_from_a_python_package_to_a_verdict(
    own_home: Path, tmp_path: Path, program_process: Any
) -> None:
    """The package of the page, installed as the page says; its manifest is that of `init`."""
    folder = tmp_path / "installed"
    install_package(PAGE, folder)
    environment = {"PYTHONPATH": f"{folder}:{REPOSITORY}", "RIDEALONG_HOME": str(own_home)}

    def ask(line: str) -> Any:
        words = [w.replace("bright.yaml", str(folder / "bright.yaml")) for w in shlex.split(line)]
        done = program_process(*words[2:], "--json", **environment)
        assert done.returncode == (1 if words[3] == "report" else 0), done.stderr
        return json.loads(done.stdout)

    session = [line for text in blocks(PAGE, "console") for line in text.splitlines()]
    _, init, add, check, run, report = session
    shown = yaml.safe_load((folder / "bright.yaml").read_text())
    (folder / "bright.yaml").unlink()
    assert list(ask(init)["open"]) == ["inputs.cameras", "predictions"]
    drafted = yaml.safe_load((folder / "bright.yaml").read_text())
    filled = {"inputs", "predictions", "arguments", "by_frame"}
    assert {k: v for k, v in shown.items() if k not in filled} == {
        k: v for k, v in drafted.items() if k not in filled
    }
    (folder / "bright.yaml").write_text(yaml.safe_dump(shown))
    assert ask(add)["network"] == "bright-1.0"
    assert ask(check)["ok"]
    ran = ask(run)
    assert ran["verdict"] in ("REGRESSED", "INCONCLUSIVE") and ran["clips_left_out"] == []
    assert ran["clips"] == ran["clips_replayed"] > 0
    cells = ask(report)["cells"]
    judged = {cell["prediction"] for cell in cells if cell["candidate"] is not None}
    assert judged == {"objects/car@main"}
