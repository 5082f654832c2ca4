"""ONNX as a kind of network. The graph's libraries are imported in its own process only."""

from contextlib import closing
from pathlib import Path

from ridealong.errors import RidealongError
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import Network, NetworkKind
from shadow.networks.onnx.files import names_of
from shadow.networks.onnx.manifest import OnnxManifest


def _open(manifest: OnnxManifest, artifact: Path | None, device: str) -> Network:
    from shadow.networks.onnx.loading import load_network

    assert artifact is not None  # the manifest requires one
    return load_network(manifest, artifact, device)


def _parameters(manifest: OnnxManifest, artifact: Path | None) -> int:
    from shadow.networks.forms import tiny_boxes
    from shadow.networks.onnx.loading import load_network
    from shadow.networks.probing import made_up_clip

    assert artifact is not None
    with closing(load_network(manifest, artifact, "cpu")) as network:
        # What does not fit is found here.
        found = made_up_clip(manifest.cameras).perceived_by(network)
        for fault in tiny_boxes(found):
            raise RidealongError(fault, where=manifest.id, hint="look at unit in the manifest")
        return network.process.graph.parameters


def _export_onnx(manifest: OnnxManifest, artifact: Path | None, folder: Path) -> NetworkManifest:
    from shadow.networks.onnx.files import copy_files

    assert artifact is not None
    copy_files(manifest, artifact, folder)
    return manifest


def _require_device(device: str) -> None:
    import onnxruntime

    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
        raise RidealongError(f"device {device!r} is not supported", expected="cpu or cuda")
    if kind == "cuda" and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise RidealongError(
            f"cannot run on device {device!r}",
            expected="cpu, or cuda where ONNX Runtime supports it",
            hint="install onnxruntime-gpu instead of onnxruntime",
        )


ONNX = NetworkKind(
    name="onnx",
    manifest=OnnxManifest,
    open=_open,
    parameters=_parameters,
    require_device=_require_device,
    suffix=".onnx",
    files=names_of,
    by_frame=lambda manifest: not manifest.inputs.states,
    export_onnx=_export_onnx,
)
