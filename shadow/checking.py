"""Checks a network, registered or still a manifest, against the contract."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ingest.clips.read import open_clip
from ingest.listing import list_clips
from ridealong.lake import Lake
from shadow.networks.contract import Findings, check_contract
from shadow.networks.kinds import running
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import Network
from shadow.networks.opening import load_manifest, open_network, require_device
from shadow.networks.probing import ProbeClip, made_up_clip
from shadow.networks.registry import find_network

MANIFESTS = frozenset({".yaml", ".yml"})
MOST_SETS = 8  # of a clip of the lake


@dataclass(frozen=True)
class Checked:
    """A network and what was found about it."""

    network: str
    findings: Findings


def check_network(home: Path, network: str, device: str) -> Checked:
    """Check a network on made-up camera sets, and on some of a clip of the lake if there is one.

    Args:
        home: The folder of the lake.
        network: The id of a registered network, or the path of a manifest.
        device: Where it runs.

    Raises:
        RidealongError: It is unknown, or cannot be opened.
    """
    is_file = Path(network).suffix in MANIFESTS or Path(network).is_file()
    lake = None if is_file and not home.exists() else Lake.open(home)
    if is_file:
        manifest = load_manifest(Path(network))
        place: Path | None = Path(network).parent
    else:
        assert lake is not None
        entry = find_network(lake.snapshot(), network)
        manifest, place = entry.manifest, entry.artifact(lake)
    require_device(manifest, device)
    opened = open_network(manifest, place, device)
    with running(manifest, "close"), closing(opened):
        return Checked(manifest.id, _findings(opened, manifest, lake))


def _findings(network: Network, manifest: NetworkManifest, lake: Lake | None) -> Findings:
    clips = [made_up_clip(manifest.cameras)]
    if lake is not None:
        clips += _kept_clip(lake, manifest)
    return check_contract(network, clips)


def _kept_clip(lake: Lake, manifest: NetworkManifest) -> list[ProbeClip]:
    """The first camera sets of the first clip with one of the network's cameras."""
    for row in list_clips(lake.snapshot()).select(["clip_id", "cameras", "blob"]).to_pylist():
        if set(row["cameras"]) & set(manifest.cameras):
            with open_clip(lake.path(row["blob"])) as reader:
                times = reader.sample_times(manifest.rate_hz)[:MOST_SETS]
                sets = reader.read_sets(manifest.cameras, manifest.rate_hz, times)
                name = f"clip {row['clip_id']}"
                return [ProbeClip(name, sets.images, sets.timestamps_ns, reader.cameras)]
    return []
