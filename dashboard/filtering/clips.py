"""The clips with all that they are found by, and their share of a run's loss."""

import pyarrow as pa
import streamlit as st

from dashboard import session
from ingest.clips.notes import NOTE_BY_CLIP
from ingest.clips.tags import TAGS_BY_CLIP
from ingest.schemas import CLIP_NOTES, CLIP_TAGS, CLIPS, DRIVES
from metrics.gate.schemas import VERDICTS
from metrics.schemas import MATCHES, SCORES
from ridealong.lake import Snapshot
from shadow.losses import EVERY_CELL, clip_losses, losing_cells
from shadow.report import run_cells
from shadow.runs import Run
from shadow.schemas import RUNS

_CONDITIONS = ", ".join(
    f"coalesce(d.{name}, 'unknown') as {name}"
    for name in ("light", "weather", "road", "country", "source")
)
# One row a clip. The facets have their names as columns; trigger and tag are lists.
FOUND = f"""
    select clip_id, c.drive_id as drive, d.vehicle_id as vehicle,
        coalesce(c.triggers, []) as trigger, coalesce(t.tags, []) as tag, n.note,
        {_CONDITIONS},
        c.start_ns, c.start_s, c.end_s - c.start_s as seconds,
        len(coalesce(c.cameras, [])) as cameras, c.labelled,
        lower(concat_ws(' ', clip_id, c.drive_id, d.vehicle_id, array_to_string(c.triggers, ' '),
            array_to_string(t.tags, ' '), n.note)) as words
    from clips c left join drives d using (drive_id)
    left join ({TAGS_BY_CLIP}) t using (clip_id)
    left join ({NOTE_BY_CLIP}) n using (clip_id)
    order by clip_id
"""

Shares = dict[str, float]


def clips(snapshot: Snapshot) -> pa.Table:
    """Every clip; kept until one of its tables changes."""
    tables = (CLIPS, DRIVES, CLIP_TAGS, CLIP_NOTES)
    return _clips(snapshot, session.version(snapshot, *tables))


@st.cache_resource(max_entries=4, show_spinner=False)
def _clips(_snapshot: Snapshot, version: str) -> pa.Table:
    return _snapshot.query(FOUND, CLIPS, DRIVES, CLIP_TAGS, CLIP_NOTES)


def shares(snapshot: Snapshot, run: Run) -> Shares:
    """Each clip's share of the loss of a run: 0 without one; clips of other runs are left out.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    version = session.version(snapshot, RUNS, VERDICTS, SCORES, MATCHES, CLIPS)
    return _shares(snapshot, version, run["run_id"], run)


@st.cache_data(max_entries=8, show_spinner="Computing each clip's share of the loss")
def _shares(_snapshot: Snapshot, version: str, run_id: str, _run: Run) -> Shares:
    losses = clip_losses(_snapshot, _run, losing_cells(run_cells(_snapshot, run_id), EVERY_CELL))
    lost = {clip_id: loss.share for clip_id, loss in losses.items()}
    return {clip_id: lost.get(clip_id, 0.0) for clip_id in _run["clip_ids"]}
