"""MCAP: the clips themselves, with the outputs of networks in additional topics.

Each copy has the content of the clip and, for each network, ``/NETWORK/outputs`` (exact) and
``/NETWORK/camera/CAMERA/annotations`` (for viewers). Telemetry is added as typed messages
(`ingest.labels.signals_topic`), and ``foxglove_layout.json`` shows all of it in Foxglove.
``clips.json`` lists the clips in the order in which they should be reviewed, with information about
them. ``thresholds.json`` has the threshold of each prediction.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from ingest.clips import topics
from ingest.clips.container import TopicReader, TopicWriter, reading
from ingest.clips.read import open_clip
from ingest.clips.write import write_labels, write_outputs
from ingest.labels.folder import check_replaceable, export_folder, write_json
from ingest.labels.foxglove_layout import FILE as LAYOUT_FILE
from ingest.labels.foxglove_layout import foxglove_layout
from ingest.labels.networks import THRESHOLDS_FILE, LabelNetworks
from ingest.labels.readme import mcap_readme
from ingest.labels.signals_topic import TOPIC as SIGNALS_TOPIC
from ingest.labels.signals_topic import message_class, signal_messages, signals_in
from ingest.labels.summary import megabytes
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Perception

CLIPS_FILE = "clips.json"


@dataclass(frozen=True)
class ReplayedClip:
    """A clip's file, and each network's outputs on it, by role (``deployed``, ``candidate``).

    ``about`` is other information for labellers, as values that JSON can express. ``labels`` is the
    file of its newest labels; None if those are in the clip's own file.
    """

    clip_id: str
    path: Path
    outputs: Mapping[str, Perception]
    about: Mapping[str, object] = field(default_factory=dict)
    labels: Path | None = None


@dataclass(frozen=True)
class McapSummary:
    """How much was exported: clips, and the folder's size in 10^6 bytes."""

    clips: int
    megabytes: float


def write_mcaps(
    folder: Path,
    clips: Iterable[ReplayedClip],
    networks: LabelNetworks,
    lineage: Mapping[str, object] | None = None,
) -> McapSummary:
    """Write ``CLIP_ID.mcap`` for each clip, and information about them.

    The folder appears when it is complete, or not at all.

    Args:
        folder: New, empty, or an unchanged earlier export.
        clips: In the order in which they should be reviewed.
        networks: The networks whose outputs are added.
        lineage: More keys for the manifest.

    Raises:
        RidealongError: The folder has other content, there are no clips, or one is damaged.
    """
    about: list[dict[str, object]] = []
    cameras: dict[str, None] = {}
    signals: set[str] = set()

    def manifest() -> dict[str, object]:
        return {"clips": about, "networks": networks.document(), **(lineage or {})}

    with export_folder(folder, "mcap", manifest) as partial:
        for clip in clips:
            copy = partial / f"{clip.clip_id}.mcap"
            shown = add_outputs(clip.path, copy, clip.outputs, clip.labels)
            cameras |= dict.fromkeys(shown.cameras)
            signals |= set(shown.signals)
            about.append({"clip_id": clip.clip_id} | dict(clip.about))
        if not about:
            raise RidealongError("nothing to export: no clips were chosen", where=folder)
        write_json(partial / CLIPS_FILE, about)
        write_json(partial / LAYOUT_FILE, foxglove_layout([*cameras], sorted(signals)))
        networks.write(partial / THRESHOLDS_FILE)
        (partial / "README.md").write_text(mcap_readme(networks), "utf-8")
        return _summary(len(about), sum(path.stat().st_size for path in partial.iterdir()))


def preview_mcaps(folder: Path, clips: Iterable[ReplayedClip]) -> McapSummary:
    """What `write_mcaps` would write. It is measured by writing each clip to a temporary folder.

    Raises:
        RidealongError: As for `write_mcaps`.
    """
    check_replaceable(folder)
    sizes = []
    with TemporaryDirectory() as scratch:
        for clip in clips:
            copy = Path(scratch) / "clip.mcap"
            add_outputs(clip.path, copy, clip.outputs, clip.labels)
            sizes.append(copy.stat().st_size)
    return _summary(len(sizes), sum(sizes))


def _summary(clips: int, size: int) -> McapSummary:
    return McapSummary(clips, megabytes(size))


@dataclass(frozen=True)
class Shown:
    """What viewers can show of a clip: its cameras, and the signals of its telemetry."""

    cameras: tuple[str, ...]
    signals: tuple[str, ...]


def add_outputs(
    source: Path, target: Path, outputs: Mapping[str, Perception], labels: Path | None = None
) -> Shown:
    """Copy a clip, message by message, and add outputs of networks and typed telemetry.

    Args:
        source: The clip.
        target: The copy.
        outputs: Outputs by network.
        labels: A later version of its labels, to be written in place of its own.

    Raises:
        RidealongError: The clip is damaged.
    """
    # Raises if it is damaged, before anything is written.
    with open_clip(source, labels) as reader:
        telemetry, cameras = reader.telemetry(), tuple(reader.cameras)
        newest = reader.labels(with_dense=False) if labels else None
    with reading(source):
        original = TopicReader(source)
    try:
        with target.open("wb") as stream:
            out = TopicWriter(stream)
            added = _Added(outputs, telemetry, newest, cameras)
            _copy(source, original, out, added)
    finally:
        original.close()
    return Shown(cameras, tuple(signals_in(telemetry)))


@dataclass(frozen=True)
class _Added:
    """What a copy has in place of what its clip has; ``labels`` is None to keep those."""

    outputs: Mapping[str, Perception]
    telemetry: pa.Table
    labels: Perception | None
    cameras: tuple[str, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """How the topics begin that are written anew."""
        labels = [topics.LABELS, *map(topics.annotations, self.cameras)] if self.labels else []
        return (SIGNALS_TOPIC, *(f"/{network}/" for network in self.outputs), *labels)


def _copy(source: Path, original: TopicReader, out: TopicWriter, added: _Added) -> None:
    schemas = original.summary.schemas
    # A clip that was exported before has some of these topics already.
    kept = [channel for channel in original.channels if not channel.topic.startswith(added.topics)]
    for channel in kept:
        schema = schemas[channel.schema_id]
        out.copy_topic(channel, schema.name, schema.encoding, schema.data)
    metadata = dict(original.metadata() or {})
    if added.labels is not None:
        write_labels(out, added.cameras, added.labels)
        metadata["labels"] = str(len(added.labels.timestamps_ns))
    for network, seen in added.outputs.items():
        write_outputs(out, network, seen)
    if signals_in(added.telemetry):
        kind = message_class(added.telemetry)
        out.add_protobuf_topic(SIGNALS_TOPIC, kind)
        for timestamp_ns, data in signal_messages(added.telemetry, kind):
            out.add(SIGNALS_TOPIC, timestamp_ns, data)
    for topic, timestamp_ns, data in _messages(source, original, [c.topic for c in kept]):
        out.add(topic, timestamp_ns, data)
    out.finish(metadata)


def _messages(
    source: Path, original: TopicReader, names: list[str]
) -> Iterator[tuple[str, int, bytes]]:
    with reading(source):
        yield from original.messages(names)
