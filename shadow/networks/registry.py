"""The networks that are registered in a home: each manifest is a row, its artifact a blob."""

import json
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from ridealong.errors import NotInstalledError, RidealongError
from ridealong.lake import (
    AlreadyCommittedError,
    DataFile,
    Lake,
    Snapshot,
    write_archive,
    write_blob,
    write_data_file,
)
from ridealong.specs import nearest
from shadow.networks.kinds import find_kind
from shadow.networks.manifest import NetworkManifest
from shadow.networks.opening import load_manifest, parameters_of, parse_manifest
from shadow.schemas import NETWORKS

SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class NetworkEntry:
    """A registered network.

    Attributes:
        network: Name and version.
        document: Its manifest as JSON.
        network_sha256: Hash of the manifest, and so of the weights.
        predictions: How many predictions it gives.
        parameters: Number of learnt parameters; None if there is no such number.
        added_ns: When it was registered.
        blob: Its artifact, relative to the home; None if it has none.
    """

    network: str
    document: str
    network_sha256: str
    predictions: int
    parameters: int | None
    added_ns: int
    blob: str | None

    @cached_property
    def manifest(self) -> NetworkManifest:
        """What it is.

        Raises:
            NotInstalledError: Its kind or a family of its predictions is unknown here: a package is
                missing or broken.
        """
        try:
            return parse_manifest(self.document)
        except NotInstalledError as error:
            raise NotInstalledError(error.what, where=self.network, hint=error.hint) from error

    @property
    def description(self) -> str:
        """What it is, in a sentence; known even where its kind is not."""
        return str(json.loads(self.document)["description"])

    def artifact(self, lake: Lake) -> Path | None:
        """Its artifact on the disk, which is sound; None if it has none.

        Raises:
            DamagedError: It is missing or damaged.
        """
        return None if self.blob is None else lake.path(self.blob)


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
    """Register the network of a manifest whose artifact lies beside it; the lake keeps a copy.

    The network is opened first, as a test. Adding the same network again changes nothing.

    Raises:
        RidealongError: It cannot be opened (see `open_network`), or another network has its id.
    """
    manifest = load_manifest(manifest_path)
    parameters = parameters_of(manifest, manifest_path.parent)
    if manifest.id in {entry.network for entry in list_networks(lake.snapshot())}:
        return _same(lake, manifest, manifest_path)
    try:
        _commit(lake, manifest, manifest_path.parent, parameters)
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


def _commit(lake: Lake, manifest: NetworkManifest, folder: Path, parameters: int | None) -> None:
    commit_id = lake.new_commit_id()
    blob = _blob(lake, commit_id, manifest, folder)
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
        "blob": blob.path if blob else None,
    }
    rows = write_data_file(
        lake.home, commit_id, NETWORKS, pa.Table.from_pylist([row], schema=NETWORKS.schema)
    )
    assert rows is not None
    sources = [f"network:{manifest.id}"]
    files = [blob, rows] if blob else [rows]
    lake.commit(commit_id, "networks add", files, sources, {"networks": 1})


def _blob(lake: Lake, commit_id: str, manifest: NetworkManifest, folder: Path) -> DataFile | None:
    if manifest.artifact is None:
        return None
    kind = find_kind(manifest.kind)
    names = kind.files(manifest) if kind.files else (manifest.artifact,)
    if len(names) == 1:
        return write_blob(lake.home, commit_id, folder / manifest.artifact, kind.suffix)
    return write_archive(lake.home, commit_id, [folder / name for name in names])


def _entry(row: dict[str, Any]) -> NetworkEntry:
    return NetworkEntry(
        network=row["network"],
        document=row["manifest"],
        network_sha256=row["network_sha256"],
        predictions=row["predictions"],
        parameters=row["parameters"],
        added_ns=row["added_ns"],
        blob=row["blob"],
    )
