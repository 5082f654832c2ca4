"""From a manifest and its ONNX file to an open network."""

from pathlib import Path

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.networks.onnx.matching import check_match
from shadow.networks.onnx.network import OnnxNetwork
from shadow.networks.onnx.process import GraphProcess, Job


def load_network(manifest: OnnxManifest, path: Path, device: str) -> OnnxNetwork:
    """Open a network.

    Raises:
        RidealongError: The file is missing or another one, is not ONNX, has custom operators, is
            too new, or is not what the manifest describes.
    """
    check_hash(path, manifest.sha256)
    process = GraphProcess(
        Job(
            path,
            device,
            int(manifest.limits.memory_gb * 1e9),
            manifest.limits.seconds,
            manifest.id,
        )
    )
    try:
        check_match(manifest, process.graph, str(path))
    except RidealongError:
        process.close()
        raise
    return OnnxNetwork(manifest, process)


def check_hash(path: Path, sha256: str) -> None:
    """Check that a file is the one in the manifest.

    Raises:
        RidealongError: It is missing or another one.
    """
    try:
        actual = sha256_of(path)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    if actual != sha256:
        raise RidealongError(
            f"the file's sha256 is {actual}",
            where=path,
            expected=f"{sha256}, as in the manifest",
            hint="fetch the file again, or correct the manifest if the file is the right one",
        )
