import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

MODULE = '''
"""One box in every frame, at the place that the manifest's arguments name."""

from ridealong.perception.annotations import Perception, annotation_table


class Box:
    def __init__(self, manifest, artifact, device):
        self.corners = dict(zip(("x1", "y1", "x2", "y2"), manifest.arguments["box"], strict=True))
        self.artifact, self.device = artifact, device

    def perceive(self, frames, timestamps_ns, calibrations, *, present=None):
        there = (present or {}).get("main", [True] * len(timestamps_ns))
        car = {"camera": "main", "task": "objects", "category": "car", "score": 0.9}
        rows = [
            {"timestamp_ns": time_ns, **car, **self.corners}
            for time_ns, is_there in zip(timestamps_ns.tolist(), there, strict=True)
            if is_there and "main" in frames
        ]
        return Perception(timestamps_ns, annotation_table(rows))
'''

MANIFEST = {
    "name": "box",
    "version": "1",
    "description": "One box in every frame.",
    "licence": "Apache-2.0",
    "trained": "no",
    "kind": "python",
    "entry_point": "box",
    "package": "acme-box",
    "package_version": "1.2",
    "arguments": {"box": [10, 20, 60, 70]},
    "inputs": {"cameras": ["main"], "rate_hz": 5},
    "by_frame": True,
    "predictions": ["objects/car@main"],
}


def is_below(folder: Path, file: object) -> bool:
    return Path(str(file or "/")).is_relative_to(folder)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a package of one module that declares one network; gives the folder on the path."""

    def write(
        module: str = MODULE,
        package: str = "acme_box",
        version: str = "1.2",
        value: str | None = None,
        name: str = "box",
    ) -> Path:
        folder = tmp_path / f"{package}-{version}"
        info = folder / f"{package}-{version}.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(module, "utf-8")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\nSummary: A box.\n"
        )
        target = value or f"{package}:Box"
        (info / "entry_points.txt").write_text(f"[ridealong.python]\n{name} = {target}\n")
        monkeypatch.syspath_prepend(folder)
        return folder

    yield write
    for name, module in list(sys.modules.items()):
        if is_below(tmp_path, getattr(module, "__file__", None)):
            del sys.modules[name]


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    """Write the manifest of the box; gives its path."""

    def write(**changes: object) -> Path:
        path = tmp_path / "box.yaml"
        path.write_text(yaml.safe_dump(MANIFEST | changes), "utf-8")
        return path

    return write
