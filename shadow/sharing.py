"""What two networks share is compared; what only one of them has is reported."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from metrics.tasks.registry import parse_prediction
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted, listed
from shadow.networks.manifest import NetworkManifest
from shadow.networks.registry import list_networks

NAMED = 3  # predictions or cameras in a sentence

Document = dict[str, Any]


@dataclass(frozen=True)
class OnlyOne:
    """What one network has and the other lacks.

    Attributes:
        predictions, cameras: In the order of its manifest.
        rate_hz: Frames a second that it is made for; both are judged at the lower rate.
    """

    predictions: tuple[str, ...]
    cameras: tuple[str, ...]
    rate_hz: float


@dataclass(frozen=True)
class NotShared:
    """What only the deployed network has, and what only the candidate has."""

    deployed: OnlyOne
    candidate: OnlyOne


def not_shared(deployed: NetworkManifest, candidate: NetworkManifest) -> NotShared:
    """What only one of two networks has."""
    return NotShared(_only(deployed, candidate), _only(candidate, deployed))


def _only(one: NetworkManifest, other: NetworkManifest) -> OnlyOne:
    return OnlyOne(
        tuple(name for name in one.predictions if name not in other.predictions),
        tuple(name for name in one.cameras if name not in other.cameras),
        one.rate_hz,
    )


def not_shared_in(snapshot: Snapshot, run: Mapping[str, Any]) -> Document | None:
    """The same of a stored run's networks, as a document.

    None for result files, and where the package of a network's kind is not installed.
    """
    entries = {entry.network_sha256: entry for entry in list_networks(snapshot)}
    pair = [entries.get(run[f"{role}_sha256"]) for role in ("deployed", "candidate")]
    try:
        deployed, candidate = (entry.manifest if entry else None for entry in pair)
    except NotInstalledError:
        return None
    return asdict(not_shared(deployed, candidate)) if deployed and candidate else None


def not_shared_sentence(document: Mapping[str, Any]) -> str | None:
    """What was not compared, and at which rate; None if the networks are alike in all that.

    Args:
        document: With ``deployed``, ``candidate`` and ``not_shared``, as of a run.
    """
    only = document["not_shared"] or {}
    sides = [_side(document[role], only[role]) for role in only]
    alone = "; ".join(side for side in sides if side)
    rates = {document[role]: only[role]["rate_hz"] for role in only}
    parts = [f"not compared: {alone}"] if alone else []
    if len(set(rates.values())) > 1:
        slow, fast = sorted(rates, key=lambda network: rates[network])
        rate = f"{rates[slow]:g} frames a second as {slow}, not {rates[fast]:g} as {fast}"
        parts.append(f"both are judged at {rate}")
    return "; ".join(parts) or None


def _side(network: str, only: Mapping[str, Any]) -> str:
    parts = []
    if names := only["predictions"]:
        parts.append(f"{counted(len(names), 'prediction')} ({listed(names, NAMED)})")
    if names := only["cameras"]:
        parts.append(f"{counted(len(names), 'camera')} ({listed(names, NAMED)})")
    return f"{' and '.join(parts)} of {network} alone" if parts else ""


def require_shared(deployed: NetworkManifest, candidate: NetworkManifest) -> None:
    """Refuse two networks that cannot be compared.

    Raises:
        RidealongError: They share no prediction; the hint says why, if it is only the cameras.
    """
    if set(deployed.predictions) & set(candidate.predictions):
        return
    hint = "a run compares the predictions that both manifests list"
    first, second = _by_kind(deployed), _by_kind(candidate)
    if same := [kind for kind in first if kind in second]:
        cameras = (f"{', '.join(places[same[0]])}" for places in (first, second))
        hint = f"both give {same[0]}, but of other cameras: {' and '.join(cameras)}"
    raise RidealongError(
        f"{deployed.id} and {candidate.id} share no prediction",
        expected=f"one of {listed(deployed.predictions, NAMED)}, in {candidate.id}",
        hint=hint,
    )


def _by_kind(manifest: NetworkManifest) -> dict[str, list[str]]:
    """Predictions without their camera, and the cameras of each."""
    found: dict[str, list[str]] = {}
    for name in manifest.predictions:
        kind, _, _ = name.partition("@")
        camera = parse_prediction(name).camera
        if camera is not None:
            found.setdefault(kind, []).append(camera)
    return found
