"""A user's own Python as a kind of network."""

from contextlib import closing
from pathlib import Path

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from ridealong.installed import broken, load
from shadow.networks.hashes import check_hash
from shadow.networks.network import Network, NetworkKind
from shadow.networks.probing import made_up_clip
from shadow.networks.python.entry import find_entry_point, naming
from shadow.networks.python.manifest import PythonManifest
from shadow.networks.python.network import PythonNetwork


def _open(manifest: PythonManifest, artifact: Path | None, device: str) -> Network:
    point = find_entry_point(manifest)
    if artifact is not None:
        _check_artifact(manifest, artifact)
    make = load(point)
    with naming(point, f"cannot open {manifest.id}"):
        network = make(manifest, artifact, device)
    if not callable(getattr(network, "perceive", None)):
        what = f"gives a {type(network).__name__} for {manifest.id}, which has no method perceive"
        raise broken(point, what, expected="an object with perceive, as docs/bring-your-own.md has")
    return PythonNetwork(manifest, point, network)


def _check_artifact(manifest: PythonManifest, artifact: Path) -> None:
    try:
        actual = sha256_of(artifact)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=artifact) from error
    assert manifest.sha256 is not None  # the manifest requires one with an artifact
    check_hash(actual, manifest.sha256, artifact)


def _parameters(manifest: PythonManifest, artifact: Path | None) -> None:
    with closing(_open(manifest, artifact, "cpu")) as network:
        made_up_clip(manifest.cameras).perceived_by(network)  # what does not fit is found here


def _require(manifest: PythonManifest) -> None:
    find_entry_point(manifest)


PYTHON = NetworkKind(
    name="python",
    manifest=PythonManifest,
    open=_open,
    parameters=_parameters,
    require=_require,
    by_frame=lambda manifest: manifest.by_frame,
)
