"""HydraNet as a kind of network. torch takes seconds to import: only these functions need it."""

from pathlib import Path

from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import Network, NetworkKind


def _open(manifest: HydraNetManifest, artifact: Path | None, device: str) -> Network:
    from shadow.networks.hydranet.loading import load_network

    assert artifact is not None  # the manifest requires one
    return load_network(manifest, artifact, device)


def _parameters(manifest: HydraNetManifest, artifact: Path | None) -> int:
    from shadow.networks.hydranet.model import parameter_count
    from shadow.networks.hydranet.weights import load_model

    assert artifact is not None
    return parameter_count(load_model(manifest, artifact))


def _export_onnx(
    manifest: HydraNetManifest, artifact: Path | None, folder: Path
) -> NetworkManifest:
    from shadow.networks.hydranet.exporting import export_onnx

    assert artifact is not None
    return export_onnx(manifest, artifact, folder)


def _require_device(device: str) -> None:
    from shadow.networks.hydranet.loading import require_device

    require_device(device)


HYDRANET = NetworkKind(
    name="safetensors",
    manifest=HydraNetManifest,
    open=_open,
    parameters=_parameters,
    require_device=_require_device,
    suffix=".safetensors",
    by_frame=True,
    export_onnx=_export_onnx,
)
