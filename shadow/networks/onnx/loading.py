"""From a manifest and its files to an open network."""

from pathlib import Path

from ridealong.errors import RidealongError
from shadow.networks.onnx.files import files_of
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.networks.onnx.matching import check_match
from shadow.networks.onnx.network import OnnxNetwork
from shadow.networks.onnx.process import GraphProcess, Job


def load_network(manifest: OnnxManifest, path: Path, device: str) -> OnnxNetwork:
    """Open a network.

    Args:
        manifest: What it is.
        path: The ONNX file, or the archive with all files of the network.
        device: Where it runs.

    Raises:
        RidealongError: A file is missing or another one, is not ONNX, has custom operators, is
            too new, or is not what the manifest describes.
    """
    process = GraphProcess(job_of(manifest, path, device))
    try:
        check_match(manifest, process.graph, str(path))
    except RidealongError:
        process.close()
        raise
    return OnnxNetwork(manifest, process)


def job_of(manifest: OnnxManifest, path: Path, device: str) -> Job:
    """What a process needs to run the network's graph; see `load_network`."""
    limits = manifest.limits
    memory = int(limits.memory_gb * 1e9)
    return Job(files_of(manifest, path), device, memory, limits.seconds, manifest.id)
