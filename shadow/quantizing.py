"""Quantizes a registered network: draws clips, measures ranges, registers the result.

The drives whose clips go through the network are recorded in its manifest, and no verdict on it
uses them. So at most a quarter of the matching drives is drawn: the rest is left to judge by.
"""

import hashlib
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from ingest.clips.read import open_clip
from ingest.listing import list_clips
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from ridealong.terminal.console import Console
from shadow.networks.exporting import require_export, write_manifest, write_onnx
from shadow.networks.manifest import NetworkVersion
from shadow.networks.onnx.loading import job_of
from shadow.networks.onnx.manifest import Calibration, OnnxManifest
from shadow.networks.onnx.network import OnnxNetwork
from shadow.networks.onnx.quantizing.process import LayerLoss, Quantized, QuantizingProcess
from shadow.networks.registry import NetworkEntry, add_network, find_network, list_networks

DRAWN = 4  # of this many matching drives, at most one calibrates
SETS = 16  # camera sets of a clip that go through the network


@dataclass(frozen=True)
class QuantizeRequest:
    """The request of a user.

    Attributes:
        network: Its id.
        where: Expression over clips and their drives; None takes all.
        limit: How many clips at most.
        seed: By which drives and clips are drawn.
        version: Of the quantized network; None: that of the network, with ``.int8``.
    """

    network: str
    where: str | None
    limit: int = 32
    seed: int = 0
    version: str | None = None


@dataclass(frozen=True)
class QuantizeReport:
    """The result; the document that ``networks quantize --json`` prints.

    Attributes:
        network: The quantized network.
        sha256: Its hash.
        of: The network that was quantized.
        drives, clips: What it was calibrated on.
        bytes: Size of the quantized graph.
        bytes_float: Size of the float graph.
        losses: What each quantized layer loses by itself, the greatest first.
        seconds: Wall time.
    """

    network: str
    sha256: str
    of: str
    drives: tuple[str, ...]
    clips: tuple[str, ...]
    bytes: int
    bytes_float: int
    losses: Sequence[LayerLoss]
    seconds: float


def quantize_network(lake: Lake, request: QuantizeRequest, console: Console) -> QuantizeReport:
    """Quantize a network to 8-bit integers and register the result.

    Raises:
        RidealongError: The network is unknown, is quantized already, cannot be exported, or has no
            layer to quantize; the new id is taken; or there are too few clips or drives.
    """
    started = time.monotonic()
    lake.require_writable()
    snapshot = lake.snapshot()
    entry = find_network(snapshot, request.network)
    version = _version(snapshot, entry, request)
    clips = draw_clips(_candidates(lake, snapshot, entry, request.where), request)
    calibration = Calibration(
        network=entry.network,
        network_sha256=entry.network_sha256,
        drives=tuple(sorted(set(clips["drive_id"].to_pylist()))),
        clips=tuple(clips["clip_id"].to_pylist()),
        seed=request.seed,
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        exact = write_onnx(entry.manifest, entry.artifact(lake), folder)
        assert isinstance(exact, OnnxManifest)
        paths = [lake.path(blob) for blob in clips["blob"].to_pylist()]
        found = _quantized(exact, folder / exact.artifact, paths, console)
        manifest = _written(exact, entry, version, found, calibration, folder)
        added = add_network(lake, manifest)
        size = (folder / exact.artifact).stat().st_size
    return QuantizeReport(
        network=added.network,
        sha256=added.network_sha256,
        of=entry.network,
        drives=calibration.drives,
        clips=calibration.clips,
        bytes=len(found.content),
        bytes_float=size,
        losses=found.losses,
        seconds=round(time.monotonic() - started, 3),
    )


def _version(snapshot: Snapshot, entry: NetworkEntry, request: QuantizeRequest) -> str:
    """The version of the quantized network, whose id is free."""
    if entry.manifest.calibration_drives:
        raise RidealongError(f"{entry.network} is quantized already")
    require_export(entry.manifest)
    usual = f"{entry.manifest.version}.int8"
    version = usual if request.version is None else request.version
    try:
        TypeAdapter(NetworkVersion).validate_python(version)
    except ValidationError as error:
        raise RidealongError(
            f"{version!r} cannot be a version",
            expected="at most 64 letters, digits, '.' and '_', the first a letter or digit",
            hint="name another version with --version",
        ) from error
    taken = f"{entry.manifest.name}-{version}"
    if taken in {other.network for other in list_networks(snapshot)}:
        raise RidealongError(
            f"{taken} is registered already", hint="name another version with --version"
        )
    return version


def _candidates(lake: Lake, snapshot: Snapshot, entry: NetworkEntry, where: str | None) -> pa.Table:
    """The clips that can calibrate a network: whole, with one of its cameras."""
    clips = list_clips(snapshot, where)
    cameras, damaged = set(entry.manifest.cameras), lake.damaged(clips["blob"].to_pylist())
    usable = [
        bool(cameras & set(row["cameras"])) and row["blob"] not in damaged
        for row in clips.select(["cameras", "blob"]).to_pylist()
    ]
    clips = clips.filter(pa.array(usable, pa.bool_()))
    which = f" for which {where}" if where else ""
    if not clips.num_rows:
        raise RidealongError(
            f"no clips{which} with a camera that {entry.network} uses",
            hint="see `ridealong clips list`",
        )
    return clips


def draw_clips(clips: pa.Table, request: QuantizeRequest) -> pa.Table:
    """Clips of at most a quarter of the drives, drawn by seed, in their order.

    Raises:
        RidealongError: There are too few drives.
    """
    drives = sorted(set(clips["drive_id"].to_pylist()))
    if len(drives) < DRAWN:
        raise RidealongError(
            f"the clips are of {len(drives)} drives",
            expected=f"at least {DRAWN}: one in {DRAWN} calibrates, and the others judge",
            hint="take more clips with --clips",
        )
    random = np.random.default_rng(request.seed)
    chosen = random.choice(drives, len(drives) // DRAWN, replace=False)
    clips = clips.filter(pc.is_in(clips["drive_id"], pa.array(chosen.tolist(), pa.string())))
    if clips.num_rows > request.limit:
        drawn = random.choice(clips.num_rows, request.limit, replace=False)
        clips = clips.take(pa.array(np.sort(drawn)))
    return clips


def _quantized(
    manifest: OnnxManifest, graph: Path, clips: Sequence[Path], console: Console
) -> Quantized:
    """The quantized graph, by the ranges of some camera sets of the clips."""
    job = job_of(manifest, graph, "cpu")
    with (
        closing(QuantizingProcess(job, manifest.inputs.images)) as process,
        console.steps("clips", len(clips)) as steps,
    ):
        network = OnnxNetwork(manifest, process)
        for path in clips:
            with open_clip(path) as reader:
                times = _some(reader.sample_times(manifest.rate_hz), manifest)
                sets = reader.read_sets(manifest.cameras, manifest.rate_hz, times)
                there = dict(zip(manifest.cameras, sets.present.T, strict=True))
                network.perceive(sets.images, sets.timestamps_ns, reader.cameras, present=there)
            steps.advance()
        return process.quantized()


def _some(times: Ints, manifest: OnnxManifest) -> Ints:
    """Some instants of a clip: all over it, or the first ones if states go from one to the next."""
    if manifest.inputs.states or len(times) <= SETS:
        return times[:SETS]
    return times[np.linspace(0, len(times) - 1, SETS).round().astype(np.int64)]


def _written(
    exact: OnnxManifest,
    entry: NetworkEntry,
    version: str,
    found: Quantized,
    calibration: Calibration,
    folder: Path,
) -> Path:
    """Write the quantized graph and its manifest; returns the path of the manifest."""
    own = folder / "int8"
    own.mkdir()
    changes = {
        "version": version,
        "description": f"{entry.network} as 8-bit integers. {exact.description}",
        "artifact": f"{exact.name}-{version}.onnx",
        "sha256": hashlib.sha256(found.content).hexdigest(),
        "data": {},
        "calibration": calibration.model_dump(),
    }
    manifest = OnnxManifest.model_validate({**exact.model_dump(), **changes})
    (own / manifest.artifact).write_bytes(found.content)
    return write_manifest(manifest, own)
