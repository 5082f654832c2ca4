"""Networks as files in a folder: which can be, and what is left if it fails."""

from pathlib import Path

import pytest

from ridealong.errors import RidealongError
from shadow.networks.exporting import MANIFEST, export_network, require_export
from shadow.networks.opening import load_manifest
from shadow.networks.python.manifest import PythonManifest
from tests.oracles.graphs import write_model


def test_an_onnx_network_is_written_as_it_is(tmp_path: Path) -> None:
    manifest = load_manifest(write_model(tmp_path / "given"))
    assert export_network(manifest, tmp_path / "given/tiny.onnx", tmp_path / "out") == manifest
    assert load_manifest(tmp_path / "out" / MANIFEST) == manifest
    given = (tmp_path / "given/tiny.onnx").read_bytes()
    assert (tmp_path / "out/tiny.onnx").read_bytes() == given
    assert {path.name for path in tmp_path.iterdir()} == {"given", "out"}


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    manifest = load_manifest(write_model(tmp_path / "given"))
    with pytest.raises(RidealongError, match="not an empty folder"):
        export_network(manifest, tmp_path / "given/tiny.onnx", tmp_path / "given")


def test_nothing_is_left_of_an_export_that_fails(tmp_path: Path) -> None:
    manifest = load_manifest(write_model(tmp_path / "given"))
    (tmp_path / "given/tiny.onnx").write_bytes(b"another")
    with pytest.raises(RidealongError, match="sha256"):
        export_network(manifest, tmp_path / "given/tiny.onnx", tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"given"}


def test_a_kind_that_cannot_be_exported_is_refused() -> None:
    manifest = PythonManifest.model_validate(
        {
            "name": "own",
            "version": "1",
            "description": "For tests.",
            "licence": "Apache-2.0",
            "trained": "no",
            "kind": "python",
            "entry_point": "own",
            "package": "own",
            "package_version": "1",
            "inputs": {"cameras": ["main"], "rate_hz": 5},
            "predictions": ["objects/car@main"],
        }
    )
    with pytest.raises(RidealongError) as caught:
        require_export(manifest)
    assert "own-1 is of the kind 'python'" in str(caught.value)
    assert "expected a network of the kind safetensors or onnx" in str(caught.value)
