"""The networks that a home knows: each one's manifest as a row, its weights as a blob."""

import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.lake import AlreadyCommittedError, Lake, Snapshot, write_blob, write_data_file
from ridealong.specs import nearest
from shadow.networks.manifest import NetworkManifest, load_manifest
from shadow.schemas import NETWORKS

SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class NetworkEntry:
    """A registered network.

    Attributes:
        network: Name and version.
        manifest: What it is.
        network_sha256: Hash of the manifest, and so of the weights.
        parameters: How many numbers it learns.
        added_ns: When it was registered.
        blob: Its weights, relative to the home.
    """

    network: str
    manifest: NetworkManifest
    network_sha256: str
    parameters: int
    added_ns: int
    blob: str


def shipped_manifests() -> list[Path]:
    """The manifests of the networks that come with ridealong."""
    return sorted(SHIPPED.glob("*/manifest.yaml"))


def list_networks(snapshot: Snapshot) -> list[NetworkEntry]:
    """All registered networks, by name and version."""
    return [_entry(row) for row in snapshot.read(NETWORKS).to_pylist()]


def find_network(snapshot: Snapshot, network: str) -> NetworkEntry:
    """The registered network of this id.

    Raises:
        RidealongError: There is none; the message suggests the nearest.
    """
    entries = {entry.network: entry for entry in list_networks(snapshot)}
    if network not in entries:
        hint = nearest(network, list(entries)) if entries else "none is registered yet"
        raise RidealongError(f"unknown network {network!r}", hint=f"{hint}; see `networks list`")
    return entries[network]


def add_network(lake: Lake, manifest_path: Path) -> NetworkEntry:
    """Register the network of a manifest whose weights lie beside it; the lake keeps a copy.

    The network is really loaded first. Adding the same network again changes nothing.

    Raises:
        RidealongError: It cannot be loaded (see `load_network`), or another network has its id.
    """
    # torch takes seconds to import: only adding needs it, not listing.
    from shadow.networks.hydranet.model import parameter_count
    from shadow.networks.hydranet.weights import load_model

    manifest = load_manifest(manifest_path)
    weights = manifest_path.parent / manifest.artifact
    parameters = parameter_count(load_model(manifest, weights))
    if manifest.id in {entry.network for entry in list_networks(lake.snapshot())}:
        return _same(lake, manifest, manifest_path)
    try:
        _commit(lake, manifest, weights, parameters)
    except AlreadyCommittedError:  # another process was faster
        return _same(lake, manifest, manifest_path)
    return find_network(lake.snapshot(), manifest.id)


def _same(lake: Lake, manifest: NetworkManifest, where: Path) -> NetworkEntry:
    """The entry that has the manifest's id already, if it is the same network."""
    entry = find_network(lake.snapshot(), manifest.id)
    if entry.network_sha256 != manifest.network_sha256:
        raise RidealongError(
            f"{manifest.id} is registered already, with another manifest or other weights",
            where=where,
            hint="give the manifest a new version: scores are kept by network and never mixed",
        )
    return entry


def _commit(lake: Lake, manifest: NetworkManifest, weights: Path, parameters: int) -> None:
    commit_id = lake.new_commit_id()
    blob = write_blob(lake.home, commit_id, weights, ".safetensors")
    row = {
        "network": manifest.id,
        "name": manifest.name,
        "version": manifest.version,
        "network_sha256": manifest.network_sha256,
        "weights_sha256": manifest.sha256,
        "manifest": manifest.as_json(),
        "predictions": len(manifest.predictions),
        "parameters": parameters,
        "added_ns": time.time_ns(),
        "blob": blob.path,
    }
    rows = write_data_file(
        lake.home, commit_id, NETWORKS, pa.Table.from_pylist([row], schema=NETWORKS.schema)
    )
    assert rows is not None
    sources = [f"network:{manifest.id}"]
    lake.commit(commit_id, "networks add", [blob, rows], sources, {"networks": 1})


def _entry(row: dict[str, object]) -> NetworkEntry:
    return NetworkEntry(
        network=str(row["network"]),
        manifest=NetworkManifest.model_validate_json(str(row["manifest"])),
        network_sha256=str(row["network_sha256"]),
        parameters=int(str(row["parameters"])),
        added_ns=int(str(row["added_ns"])),
        blob=str(row["blob"]),
    )
