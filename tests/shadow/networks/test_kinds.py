"""Kinds of networks: ours, one that an installed package adds, and packages that are broken."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from ingest.clips.read import FrameSets
from metrics.tasks.box_scores import box_family
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.lake import Lake
from shadow.latency import measure_latency
from shadow.networks import kinds
from shadow.networks.kinds import find_kind, kind_names
from shadow.networks.opening import load_manifest, manifest_schema, require_device
from shadow.networks.registry import add_network, find_network, list_networks, shipped_manifests
from shadow.schemas import OUTPUTS
from tests.oracles.families import registered
from tests.oracles.networks import open_folder

pytestmark = pytest.mark.slow


BOXES = '''
"""A network without weights: it perceives one and the same box in every frame."""

from dataclasses import dataclass
from typing import Literal

from ridealong.perception.annotations import Perception, annotation_table
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import NetworkKind


class BoxesManifest(NetworkManifest):
    kind: Literal["boxes"]
    camera: str
    box: tuple[float, float, float, float]

    @property
    def cameras(self):
        return (self.camera,)

    @property
    def rate_hz(self):
        return 5.0


@dataclass(frozen=True)
class BoxesNetwork:
    manifest: BoxesManifest

    def perceive(self, frames, timestamps_ns, calibrations, *, present=None):
        camera = self.manifest.camera
        if camera not in frames:
            return Perception(timestamps_ns, annotation_table([]))
        there = (present or {}).get(camera, [True] * len(timestamps_ns))
        corners = dict(zip(("x1", "y1", "x2", "y2"), self.manifest.box, strict=True))
        rows = [
            {"timestamp_ns": time, "camera": camera, "task": "objects", "category": "car",
             "score": 0.9, **corners}
            for time, is_there in zip(timestamps_ns.tolist(), there, strict=True)
            if is_there
        ]
        return Perception(timestamps_ns, annotation_table(rows), tasks=frozenset({"objects"}))

    def close(self):
        pass


def opened(manifest, artifact, device):
    return BoxesNetwork(manifest)


KIND = NetworkKind("boxes", BoxesManifest, opened)
'''

MANIFEST = {
    "name": "boxes",
    "version": "1",
    "description": "One box in every frame.",
    "licence": "Apache-2.0",
    "trained": "no",
    "kind": "boxes",
    "predictions": ["objects/car@main"],
    "camera": "main",
    "box": [10.0, 20.0, 60.0, 70.0],
}

Install = Callable[..., Path]


def is_below(folder: Path, module: ModuleType) -> bool:
    return Path(getattr(module, "__file__", None) or "/").is_relative_to(folder)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the installed packages again."""
    monkeypatch.setattr(kinds, "KINDS", replace(kinds.KINDS))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of one module that declares one kind; gives the folder on the path."""

    def write(package: str, name: str, module: str, value: str | None = None) -> Path:
        folder = tmp_path / package
        info = folder / f"{package}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(module, "utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        target = value or f"{package}:KIND"
        (info / "entry_points.txt").write_text(f"[ridealong.networks]\n{name} = {target}\n")
        monkeypatch.syspath_prepend(folder)
        forget(monkeypatch)
        return folder

    yield write
    for module in [m for m in sys.modules.values() if is_below(tmp_path, m)]:
        del sys.modules[module.__name__]


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    """Write the manifest of a network of the kind ``boxes``; gives its path."""

    def write(**changes: object) -> Path:
        path = tmp_path / "boxes.yaml"
        path.write_text(yaml.safe_dump(MANIFEST | changes), "utf-8")
        return path

    return write


def test_ours() -> None:
    assert kind_names() == ["safetensors", "onnx", "python"]
    assert find_kind("safetensors").name == "safetensors"


def test_an_installed_kind_is_found_by_its_name(install: Install, manifest) -> None:
    install("acme_boxes", "boxes", BOXES)
    assert kind_names() == ["safetensors", "onnx", "python", "boxes"]
    network = open_folder(manifest())
    times = np.arange(3, dtype=np.int64)
    seen = network.perceive({"main": np.zeros((3, 96, 160, 3), np.uint8)}, times, {})
    assert seen.sparse["x2"].to_pylist() == [60.0] * 3
    require_device(network.manifest, "tpu:3")  # the kind does not care
    schema = manifest_schema()
    assert schema["discriminator"]["propertyName"] == "kind"
    assert set(schema["discriminator"]["mapping"]) == {"safetensors", "onnx", "python", "boxes"}


def test_a_manifest_is_checked_by_its_kind(install: Install, manifest) -> None:
    install("acme_boxes", "boxes", BOXES)
    path = manifest(box=[1, 2, 3])
    with pytest.raises(RidealongError) as caught:
        load_manifest(path)
    assert str(caught.value) == f"{path}:1: the key 'box.3' is missing"
    with pytest.raises(RidealongError, match="unknown key 'cameraa'"):
        load_manifest(manifest(cameraa="rear"))
    with pytest.raises(RidealongError, match="artifact and sha256 belong together"):
        load_manifest(manifest(artifact="weights.npy"))


def test_a_network_without_weights_is_registered(install: Install, manifest, home: Path) -> None:
    install("acme_boxes", "boxes", BOXES)
    lake = Lake.create(home)
    entry = add_network(lake, manifest())
    assert (entry.blob, entry.parameters, entry.artifact(lake)) == (None, None, None)
    assert add_network(lake, manifest()) == entry == find_network(lake.snapshot(), "boxes-1")
    assert lake.check().sound
    with pytest.raises(RidealongError, match="registered already"):
        add_network(lake, manifest(box=[0, 0, 9, 9]))


def test_networks_of_a_kind_that_is_gone_are_listed(
    install: Install, manifest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("acme_boxes", "boxes", BOXES)
    lake = Lake.create(home)
    add_network(lake, manifest())
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(folder)])
    forget(monkeypatch)
    (entry,) = list_networks(lake.snapshot())
    assert (entry.network, entry.description, entry.predictions) == (
        "boxes-1", "One box in every frame.", 1
    )  # fmt: skip
    with pytest.raises(NotInstalledError) as caught:
        _ = entry.manifest
    assert str(caught.value) == (
        "boxes-1: unknown kind of network 'boxes'; known: onnx, python, safetensors; other kinds"
        " come with installed packages"
    )


def test_networks_of_a_family_that_is_gone_are_listed_and_not_run(
    install: Install,
    manifest,
    home: Path,
    ask: Callable[..., Any],
    program: Callable[..., Any],
) -> None:
    install("acme_boxes", "boxes", BOXES)
    cones = box_family("cones", ("cone",), "cones/cone@main")
    with registered(cones):
        ask("networks", "add", manifest(), "--home", home)
        path = manifest(version="2", predictions=["cones/cone@main"])
        ask("networks", "add", path, "--home", home)
    listed = ask("networks", "list", "--home", home)
    assert [entry["network"] for entry in listed] == ["boxes-1", "boxes-2"]
    pair = ("--deployed", "boxes-1", "--candidate", "boxes-2")
    done = program("shadow", "run", *pair, "--home", home)
    assert done.returncode == 2
    assert done.stderr == (
        "error: boxes-2: its manifest is not valid here: predictions: prediction 'cones/cone@main':"
        " unknown task 'cones'; did you mean 'lanes'?; install the packages"
        " with which it was registered\n"
    )


CALLS = {
    "open": (
        BOXES.replace("return BoxesNetwork(manifest)", "return 1 / 0"),
        "cannot open boxes-1 (ZeroDivisionError: division by zero)",
    ),
    "parameters": (
        BOXES + "KIND = NetworkKind('boxes', BoxesManifest, opened, lambda *_: 1 / 0)\n",
        "cannot open boxes-1 (ZeroDivisionError: division by zero)",
    ),
    "imports": (
        BOXES.replace("return BoxesNetwork(manifest)", "from os import runtime"),
        "cannot open boxes-1 (ImportError: cannot import name 'runtime' from 'os'",
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_an_installed_kind_names_its_package(
    install: Install, manifest, home: Path, program: Callable[..., Any], call: str
) -> None:
    module, expected = CALLS[call]
    install("acme_boxes", "boxes", module)
    done = program("networks", "add", manifest(), "--home", home)
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"error: acme_boxes 1.2: 'boxes' in ridealong.networks {expected}"
    )
    assert done.stderr.endswith("; upgrade or uninstall that package\n")
    assert done.stderr.count("\n") == 1


def test_an_error_at_a_device_or_while_measuring_names_the_package(
    install: Install, manifest
) -> None:
    broken = BOXES.replace("camera = self.manifest.camera", "raise KeyError(3)")
    checks = "KIND = NetworkKind('boxes', BoxesManifest, opened, None, lambda device: 1 / 0)\n"
    install("acme_boxes", "boxes", broken + checks)
    network = open_folder(manifest())
    with pytest.raises(NotInstalledError, match=r"cannot check the device 'tpu' for boxes-1 .Zero"):
        require_device(network.manifest, "tpu")
    sets = FrameSets(np.arange(1), {}, np.ones((1, 0), bool))
    with pytest.raises(
        NotInstalledError, match=r"acme_boxes 1.2: .* cannot run boxes-1 .KeyErr"
    ) as e:
        measure_latency(network, network, sets, {})
    assert isinstance(e.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ImportError("libgomp.so.1"),
            "kind of network 'safetensors' cannot open hydra-1.0",
        ),
        (ModuleNotFoundError("No torch", name="torch"), "No torch"),  # the program names the extra
        (OSError(13, "Permission denied"), "Permission denied"),
        (RuntimeError("a bug"), "a bug"),
    ],
    ids=["import", "extra", "disk", "bug"],
)
def test_of_our_own_kinds_only_a_failed_import_is_an_error_of_a_package(
    error: Exception, expected: str
) -> None:
    (path,) = (path for path in shipped_manifests() if path.parent.name == "hydra-1.0")
    with pytest.raises(Exception) as caught, kinds.running(load_manifest(path), "open"):
        raise error
    assert expected in str(caught.value)
    assert (caught.value is error) != ("safetensors" in expected)


@pytest.mark.parametrize(
    ("module", "value", "expected"),
    [
        ("raise RuntimeError('not today')", None, "cannot be loaded (RuntimeError: not today)"),
        ("import no_such_module", None, "cannot be loaded (ModuleNotFoundError: No module named"),
        ("", "acme:Missing", "cannot be loaded (AttributeError: "),
        ("KIND = 3", None, "is not a kind of network, but a int; expected a shadow.networks."),
        (BOXES, None, "calls itself 'boxes'; expected the same name"),
    ],
    ids=["raises", "imports", "missing", "type", "name"],
)
def test_a_broken_package_is_named(
    install: Install, module: str, value: str | None, expected: str
) -> None:
    install("acme", "acme", module, value)
    assert find_kind("safetensors").name == "safetensors"  # it harms nobody who does not use it
    with pytest.raises(RidealongError) as caught:
        find_kind("acme")
    assert str(caught.value).startswith(f"acme 1.2: 'acme' in ridealong.networks {expected}")


@pytest.mark.parametrize("name", ["boxes", "safetensors"])
def test_duplicates_are_refused(install: Install, name: str) -> None:
    install("acme", name, BOXES)
    if name == "boxes":
        install("other", name, BOXES)
    with pytest.raises(RidealongError, match=f"'{name}' in ridealong.networks is a duplicate"):
        kind_names()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("network", "sha256"),
    [
        ("hydra-1.0", "9a8b8943e328ca8c33cf18213ed7f69bd443f1fa38961c696f4c8b8699374001"),
        ("hydra-1.1", "093cf60c190a760bcddad6f1975b481321fa6c0e71388dee546312642cee7106"),
    ],
)
def test_the_shipped_networks_keep_their_identity(network: str, sha256: str) -> None:
    """Scores are stored under these hashes: another one would replay every fleet."""
    (path,) = (path for path in shipped_manifests() if path.parent.name == network)
    assert load_manifest(path).network_sha256 == sha256
    assert digest(load_manifest(path).as_json()) == sha256


@pytest.mark.slow
def test_a_network_of_an_installed_kind_gets_a_verdict(
    install: Install,
    manifest,
    demo_home: Path,
    tmp_path: Path,
    ask: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = install("acme_boxes", "boxes", BOXES)
    home = tmp_path / "home"
    shutil.copytree(demo_home, home)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))  # for workers
    added = ask("networks", "add", manifest(), "--home", home)
    assert added["predictions"] == 1
    listed = {n["network"]: n for n in ask("networks", "list", "--home", home)}
    assert listed["boxes-1"]["parameters"] is None
    pair = ("--deployed", "hydra-1.0", "--candidate", "boxes-1")
    report = ask("shadow", "run", *pair, "--home", home)
    assert report["clips_replayed"] == report["clips"] > 0 and not report["clips_left_out"]
    assert report["verdict"] in ("REGRESSED", "INCONCLUSIVE")
    assert report["latency"]["candidate_ms"] < report["latency"]["deployed_ms"]
    sha256 = find_network(Lake.open(home).snapshot(), "boxes-1").network_sha256
    outputs = Lake.open(home).snapshot().read(OUTPUTS, where=f"network_sha256 = '{sha256}'")
    assert outputs.num_rows > 0 and set(outputs["x2"].to_pylist()) == {60.0}
