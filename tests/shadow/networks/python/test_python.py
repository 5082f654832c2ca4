"""Networks that are an entry point of an installed package."""

import hashlib
import json
import os
import shutil
import sys

import numpy as np
import pytest
import yaml

from ingest.listing import list_clips
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.lake import Lake
from shadow.networks.drafts import draft_of
from shadow.networks.opening import load_manifest, open_network, require_device
from shadow.networks.registry import add_network, list_networks
from tests.oracles.networks import open_folder

FRAMES = {"main": np.zeros((3, 96, 160, 3), np.uint8), "rear": np.zeros((3, 9, 9, 3), np.uint8)}
TIMES = np.arange(3, dtype=np.int64) * 200_000_000


def refusal(home, path):
    """The message of `networks add`; the lake is unchanged."""
    lake = Lake.create(home)
    commits = lake.snapshot().commits().num_rows
    with pytest.raises(RidealongError) as caught:
        add_network(lake, path)
    assert lake.snapshot().commits().num_rows == commits and not list_networks(lake.snapshot())
    return str(caught.value)


def returning(code):
    """A module whose network gives this; ``rows`` are good rows of boxes."""
    return f"""
import numpy as np
import pyarrow as pa
from dataclasses import replace
from ridealong.perception.annotations import Perception, annotation_table


class Box:
    def __init__(self, manifest, artifact, device):
        pass

    def perceive(self, frames, timestamps_ns, calibrations, *, present=None):
        car = {{"camera": "main", "task": "objects", "category": "car", "score": 0.9}}
        box = {{"x1": 1.0, "y1": 2.0, "x2": 30.0, "y2": 40.0}}
        rows = [{{"timestamp_ns": t, **car, **box}} for t in timestamps_ns.tolist()]
        count = len(timestamps_ns)
        {code}
        return Perception(timestamps_ns, annotation_table(rows))
"""


def test_it_gives_what_its_code_gives(install, manifest):
    install()
    network = open_folder(manifest())
    found = network.perceive(FRAMES, TIMES, {}, present={"main": np.array([True, False, True])})
    assert found.tasks == {"objects"} and found.sparse["x2"].to_pylist() == [60.0, 60.0]
    network.close()  # it has nothing to close


def test_it_is_registered_and_its_version_is_in_its_identity(install, manifest, home):
    install()
    lake = Lake.create(home)
    entry = add_network(lake, manifest())
    assert (entry.network, entry.predictions, entry.parameters, entry.blob) == (
        "box-1",
        1,
        None,
        None,
    )
    assert json.loads(entry.document)["package_version"] == "1.2"
    one, other = load_manifest(manifest()), load_manifest(manifest(package_version="1.3"))
    assert one.network_sha256 != other.network_sha256


def test_its_artifact_is_kept_and_given_to_its_code(install, manifest, home, tmp_path):
    install()
    (tmp_path / "w.npy").write_bytes(b"numbers")
    sha256 = hashlib.sha256(b"numbers").hexdigest()
    lake = Lake.create(home)
    entry = add_network(lake, manifest(artifact="w.npy", sha256=sha256))
    network = open_network(entry.manifest, entry.artifact(lake), "cuda:1")
    assert network.network.artifact.read_bytes() == b"numbers"
    assert network.network.device == "cuda:1"
    (tmp_path / "w.npy").write_bytes(b"others")
    with pytest.raises(RidealongError, match=r"w.npy: the file's sha256 is .* as in the manifest"):
        open_folder(manifest(artifact="w.npy", sha256=sha256))


@pytest.mark.parametrize(
    "name", ["net.py", "./net", "nets/box", "acme:Box", "C:\\net", "/tmp/net.py", "box.whl", ""]
)
def test_a_path_is_refused(manifest, home, name):
    said = refusal(home, manifest(entry_point=name))
    assert "entry_point: " in said
    if name:
        assert "is not the name of an entry point; code is run from installed packages only" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"predictions": ["objects/car@rear"]},
            "inputs.cameras lacks the camera of 'objects/car@re",
        ),
        ({"entry_point": "FILL_IN"}, "left to fill in: entry_point"),
        ({"argument": {}}, "unknown key 'argument'; did you mean 'arguments'?"),
        ({"package_version": 1.2}, "package_version: 1.2 is a number; put it in quotes: '1.2'"),
        ({"inputs": {"cameras": [], "rate_hz": 5}}, "inputs.cameras: Input should have at least 1"),
        ({"package": "../acme"}, "package: String should match pattern"),
    ],
)
def test_what_a_manifest_may_not_say(manifest, home, changes, said):
    assert said in refusal(home, manifest(**changes))


def test_a_package_that_is_missing_or_another(install, manifest, home):
    path = manifest()
    assert refusal(home, path) == (
        "box-1: no entry point 'box' of acme-box in ridealong.python is installed;"
        " install acme-box 1.2"
    )
    install(package="other_box")
    assert "is installed; other_box 1.2 has one of that name; install acme-box 1.2" in refusal(
        home, path
    )
    install(version="1.3")
    expected = (
        "box-1: acme_box 1.3 is installed; expected acme-box 1.2, as in the manifest; install that"
        " version, or register a manifest of acme_box 1.3 under a new version"
    )
    assert refusal(home, path) == expected
    with pytest.raises(NotInstalledError, match=r"acme_box 1\.3 is installed"):
        require_device(load_manifest(path), "cpu")  # before any work


def test_the_package_that_is_named_is_taken(install, manifest, home):
    install(package="other_box", module="raise RuntimeError")
    install()
    assert add_network(Lake.create(home), manifest()).network == "box-1"


def test_a_package_in_the_current_folder_is_not_installed(
    install, manifest, home, program, tmp_path, monkeypatch
):
    """`python -m` searches the folder where it starts; nobody installed what lies there."""
    folder = install()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", "")
    said = "acme_box 1.2 lies in the current folder, and is not installed; install it with pip"
    assert said in refusal(home, manifest())
    with pytest.raises(NotInstalledError, match="lies in the current folder"):
        draft_of("box")
    monkeypatch.setenv("PYTHONPATH", str(folder))  # the user's own word
    assert add_network(Lake.create(home), manifest()).network == "box-1"


RAISES = {
    "import": ("import no_such_module", "cannot be loaded (ModuleNotFoundError: No module named"),
    "open": (
        "def Box(manifest, artifact, device):\n    raise KeyError('weights')",
        "cannot open box-1 (KeyError: 'weights', acme_box.py:2)",
    ),
    "signature": ("def Box(manifest):\n    pass", "cannot open box-1 (TypeError: Box() takes 1"),
    "perceive": (
        returning("1 / 0"),
        "cannot run box-1 (ZeroDivisionError: division by zero, acme_b",
    ),
    "http": (
        returning("raise TimeoutError('no answer')"),
        "cannot run box-1 (TimeoutError: no ans",
    ),
    "a library": (
        returning("import json; json.loads('x')"),
        "cannot run box-1 (JSONDecodeError: Expecting value: line 1 column 1 (char 0), acme_box",
    ),
    "no network": ("Box = lambda *_: 3", "gives a int for box-1, which has no method perceive"),
}


@pytest.mark.parametrize("when", RAISES)
def test_an_error_names_the_package_and_the_line(install, manifest, home, when):
    module, expected = RAISES[when]
    install(module)
    said = refusal(home, manifest())
    assert said.startswith(f"acme_box 1.2: 'box' in ridealong.python {expected}"), said
    assert "\n" not in said


FIRST = "in frame 0 (timestamp 0 ns)"
ALL = ["objects/car@main", "depth@main", "segmentation/road@main", "bev/road"]
RETURNS = {
    "nothing": ("return None", "the outputs are a NoneType; expected a ridealong.perception.anno"),
    "times": (
        "return Perception(timestamps_ns[1:], annotation_table(rows[1:]))",
        "timestamps_ns: expected the timestamps of the frames that were given",
    ),
    "rows": ("return Perception(timestamps_ns, rows)", "sparse is a list; expected a table"),
    "columns": (
        "return Perception(timestamps_ns, annotation_table(rows).drop_columns('score'))",
        "sparse: the column 'score' is missing",
    ),
    "type": (
        "t = annotation_table(rows); return Perception(timestamps_ns,"
        " t.set_column(4, 'score', t['score'].cast(pa.float64())))",
        "sparse: the column 'score' is double, not float",
    ),
    "no score": ("rows[1]['score'] = None", "sparse: a row in frame 1 (timestamp 200000000 ns)"),
    "time": ("rows[0]['timestamp_ns'] = 7", "sparse: a row has a time that is not a frame's: 7 ns"),
    "nan": (
        "rows[1]['x1'] = float('nan')",
        "x1 of objects/car@main in frame 1 (timestamp 200000000 ns) is nan",
    ),
    "score": ("rows[0]['score'] = 1.5", f"the score of objects/car@main {FIRST} is 1.5; exp"),
    "outside": (
        "rows[0]['x2'] = 300.0",
        f"the box of objects/car@main {FIRST} is (1, 2, 300, 40); expected x1 < x2 and y1 < y2"
        " within 200 x 120 pixels",
    ),
    "not listed": ("rows[0]['category'] = 'bus'", "objects/bus@main is returned but not listed"),
    "depth": (
        "return Perception(timestamps_ns, annotation_table(rows),"
        " depth={'main': np.ones((count, 4), np.float32)})",
        "depth of 'main' is float32 (4, 4); expected float32 (4, rows, columns)",
    ),
    "far": (
        "return Perception(timestamps_ns, annotation_table(rows),"
        " depth={'main': np.full((count, 4, 4), np.inf, np.float32)})",
        f"depth of 'main' has inf {FIRST}; expected metres above 0",
    ),
    "nan depth": (
        "d = np.ones((count, 4, 4), np.float32); d[2] = np.nan;"
        " return Perception(timestamps_ns, annotation_table(rows), depth={'main': d})",
        "depth of 'main' is NaN in all of frame 2 (timestamp 400000000 ns)",
    ),
    "class": (
        "return Perception(timestamps_ns, annotation_table(rows),"
        " segmentation={'main': np.full((count, 4, 4), 10, np.uint8)})",
        f"segmentation of 'main' has 10 {FIRST}; expected below 10",
    ),
    "camera": (
        "return Perception(timestamps_ns, annotation_table(rows),"
        " segmentation={'rear': np.full((count, 4, 4), 1, np.uint8)})",
        "segmentation@rear is returned but not listed",
    ),
    "layer": (
        "return Perception(timestamps_ns, annotation_table(rows),"
        " bev={'road': np.full((count, 4, 4), 2, np.uint8)})",
        f"layer 'road' has 2 {FIRST}; expected 0, 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", RETURNS)
def test_outputs_that_are_not_standard_forms(install, manifest, home, what):
    code, expected = RETURNS[what]
    install(returning(code))
    said = refusal(home, manifest(predictions=ALL))
    assert said.startswith(f"box-1: {expected}"), said


def test_a_draft_and_a_check(install, tmp_path, ask, program, home):
    install(name="my.box")
    out = tmp_path / "drafts/my.yaml"
    out.parent.mkdir()  # it may lie anywhere
    said = ask("networks", "init", "my.box", "--out", out)
    assert list(said["open"]) == ["inputs.cameras", "predictions"]
    assert (said["network"], said["package"]) == ("my_box-1.2", "acme_box 1.2")
    document = yaml.safe_load(out.read_text())
    assert document["entry_point"] == "my.box" and document["description"] == "A box."
    done = program("networks", "add", out, "--home", home)
    assert done.returncode == 2
    assert done.stderr.endswith("left to fill in: inputs.cameras, predictions\n")
    document["inputs"]["cameras"], document["predictions"] = ["main"], ["objects/car@main"]
    document["arguments"] = {"box": [10, 20, 60, 70]}
    out.write_text(yaml.safe_dump(document))
    checked = ask("networks", "check", out, "--home", home)
    assert checked["ok"] and not list_networks(Lake.open(home).snapshot())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "net.py",
            "net.py: is Python in a file or folder, which is not run; expected an ONNX file, ",
        ),
        (
            "boxx",
            "there is no file 'boxx', and no entry point of that name in ridealong.python; did ",
        ),
        ("none.onnx", "none.onnx: No such file or directory"),
        ("nets/none", "nets/none: No such file or directory"),
        ("shadow", "shadow: is a folder; expected an ONNX file, or the name of an entry point"),
    ],
)
def test_what_init_refuses(install, program, tmp_path, name, said):
    install()
    done = program("networks", "init", name, "--out", tmp_path / "my.yaml")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"error: {said}"), done.stderr
    assert not (tmp_path / "my.yaml").exists()


@pytest.mark.slow
def test_a_clip_on_which_it_fails_is_left_out_and_all_of_them_stop_the_run(
    install, manifest, demo_home, tmp_path, ask, program, monkeypatch
):
    code = (
        "first, last = self.manifest.arguments['bad'];"
        " rows[0]['score'] = float('nan') if first <= timestamps_ns[0] <= last else 0.9"
    )
    module = returning(code).replace("        pass\n", "        self.manifest = manifest\n")
    folder = install(module)
    home = shutil.copytree(demo_home, tmp_path / "home")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))  # for workers
    clips = list_clips(Lake.open(home).snapshot()).sort_by("start_ns").to_pylist()
    bad = next(row for row in clips if "main" in row["cameras"])
    every = [clips[0]["start_ns"], clips[-1]["end_ns"]]
    for version, window in (("1", [bad["start_ns"], bad["end_ns"]]), ("2", every)):
        path = manifest(version=version, arguments={"bad": window})
        ask("networks", "add", path, "--home", home)
    run = ("shadow", "run", "--deployed", "hydra-1.0", "--home", home, "--json")
    done = program(*run, "--candidate", "box-1")
    assert done.returncode == 0, done.stderr
    (left,) = json.loads(done.stdout)["clips_left_out"]
    assert left["clip_id"] == bad["clip_id"]
    assert left["reason"].startswith("box-1: score of objects/car@main in frame 0 (timestamp ")
    done = program(*run, "--candidate", "box-2")
    assert done.returncode == 2 and not done.stdout and "Traceback" not in done.stderr
    assert "can be replayed" in done.stderr and "box-2: score of objects/car@main" in done.stderr
