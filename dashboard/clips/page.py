"""The page Clips: every clip, and the outputs of both networks drawn over the chosen one."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

import dashboard.player
from dashboard import session
from dashboard.clips import charts, queries
from dashboard.player.differences import judge
from dashboard.player.layers import layer
from dashboard.text import MISSING, plain
from ingest.clips.paths import with_paths_in_images
from ingest.clips.read import ClipReader, open_clip
from ingest.rig import shown_cameras
from metrics.tasks.clip_view import ClipView
from ridealong.errors import RidealongError
from ridealong.hashing import short_hash
from ridealong.lake import Lake, Snapshot
from ridealong.perception.annotations import Perception
from ridealong.units import NS_PER_S
from shadow.networks.manifest import rate_of

FOLDER = Path(dashboard.player.__file__).parent
SHOWN = ["triggers", "start_s", "seconds", "light", "weather", "source", "clip_id"]
SIGNALS = ["Vehicle.Speed", "Vehicle.Acceleration.Longitudinal"]


@cache
def _player() -> Any:
    """The component, from our own files; its code never contains content of clips."""
    html, css, js = (
        (FOLDER / f"player.{kind}").read_text("utf-8") for kind in ("html", "css", "js")
    )
    return st.components.v2.component("ridealong_player", html=html, css=css, js=js)


def page() -> None:
    """Lay out the page: the clips on the left, the chosen one on the right."""
    st.title("Clips", anchor=False)
    snapshot = session.snapshot(session.home())
    table = queries.clips(snapshot)
    if not table.num_rows:
        st.info("No clips yet. Add drives with `ridealong ingest`, or run `ridealong demo`.")
        return
    left, right = st.columns([1, 2], gap="medium")
    with left:
        clip = _choose(table.to_pylist())
    _hide_other_players(clip)
    with right:
        if clip is None:
            _warn_unknown()
        else:
            _show(snapshot, clip)


def _warn_unknown() -> None:
    st.warning(
        f"There is no clip {plain(st.query_params['clip'])}: it was deleted, or it was never in "
        "this home. Choose another one from the list."
    )


def _show(snapshot: Snapshot, clip: dict[str, Any]) -> None:
    triggers = plain(", ".join(clip["triggers"]))
    st.subheader(f"{triggers} · {clip['seconds']:.1f} s", anchor=False)
    st.caption(f"clip {plain(clip['clip_id'])} of drive {plain(clip['drive_id'])}")
    if clip["cameras"]:
        try:
            _watch(snapshot, clip)
        except RidealongError as error:  # a damaged clip: the rest of the page is still shown
            st.error(plain(str(error)))
    else:
        st.info("This drive was recorded without cameras: the clip contains only telemetry.")
    _signals(snapshot, clip)


def _choose(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The clip in the address; a click in the table writes it there.

    None if there is no such clip. The first clip with video if the address names none, or if the
    filter hides the named one.
    """
    triggers = sorted({name for row in rows for name in row["triggers"]})
    wanted = st.multiselect("Trigger", triggers, placeholder="all triggers")
    shown = [row for row in rows if not wanted or set(wanted) & set(row["triggers"])]
    _table(shown)
    asked = st.query_params.get("clip")
    if asked is not None and asked not in {row["clip_id"] for row in rows}:
        return None
    named = [row for row in shown if row["clip_id"] == asked]
    if asked is not None and not named:
        del st.query_params["clip"]
    with_video = [row for row in shown if row["cameras"]]
    return (named or with_video or shown)[0]


def _table(rows: list[dict[str, Any]]) -> None:
    # A selection is only valid for the rows in which it was made: at the next run of the page,
    # other rows may have these positions.
    key = f"clips-{hash(tuple(row['clip_id'] for row in rows))}"

    def picked() -> None:
        places = st.session_state[key]["selection"]["rows"]
        if places:
            st.query_params["clip"] = rows[places[0]]["clip_id"]

    st.dataframe(
        [{name: row[name] for name in SHOWN} for row in rows],
        on_select=picked,
        selection_mode="single-row",
        hide_index=True,
        height=min(38 + 35 * len(rows), 700),
        column_config={
            "start_s": st.column_config.NumberColumn("start", format="%.1f s"),
            "seconds": st.column_config.NumberColumn("length", format="%.1f s"),
        },
        placeholder=MISSING,
        key=key,
    )


def _player_key(clip_id: str) -> str:
    return f"player-{short_hash(clip_id)}"


def _hide_other_players(clip: dict[str, Any] | None) -> None:
    """Hide the last clip's player: Streamlit keeps it, under a new name, until the page has run."""
    others = '[class*="st-key-player-"]'
    if clip is not None:
        others += f":not(.st-key-{_player_key(clip['clip_id'])})"
    st.html(f"<style>{others} {{ display: none; }}</style>")


def _choose_pair(snapshot: Snapshot, clip_id: str) -> queries.ComparedPair | None:
    pairs = queries.pairs(snapshot, clip_id)
    if not pairs:
        st.caption("No shadow run over this clip yet: `ridealong shadow run` draws networks on it.")
        return None
    names = [f"{p.deployed} (deployed) and {p.candidate} (candidate)" for p in pairs]
    first = None if pairs[0].against_itself else 0
    chosen = st.selectbox("Networks", names, index=first)
    return pairs[names.index(chosen)] if chosen else None


def _watch(snapshot: Snapshot, clip: dict[str, Any]) -> None:
    pair = _choose_pair(snapshot, clip["clip_id"])
    with open_clip(Lake(snapshot.home).path(clip["blob"])) as reader:
        _player()(
            data=_player_data(snapshot, clip, pair, reader),
            key=_player_key(clip["clip_id"]),
        )


def _player_data(
    snapshot: Snapshot, clip: dict[str, Any], pair: queries.ComparedPair | None, reader: ClipReader
) -> dict[str, Any]:
    layers = _labels_layers(reader)
    if pair:
        layers += _network_layers(clip["clip_id"], pair, snapshot, reader)
    return {
        "clip": clip["clip_id"],
        "columns": min(4, len(reader.cameras)),
        "cameras": [_tile(clip["clip_id"], name, reader) for name in shown_cameras(reader.cameras)],
        "layers": layers,
        "same": pair is not None and pair.against_itself,
    }


def _labels_layers(reader: ClipReader) -> list[dict[str, object]]:
    labels = reader.labels(with_dense=False)
    if labels is None:
        return []
    drawn = replace(labels, sparse=with_paths_in_images(labels.sparse, reader.cameras))
    return [layer("labels", "labels", drawn, int(reader.set_timestamps()[0]))]


@st.cache_data(max_entries=8, show_spinner="Comparing the networks")
def _network_layers(
    clip_id: str, pair: queries.ComparedPair, _snapshot: Snapshot, _reader: ClipReader
) -> list[dict[str, object]]:
    """The outputs of both networks on the frames that were judged, compared with each other.

    Cached by clip and pair: the outputs of a network on a clip never change.
    """
    manifests = queries.manifests(_snapshot, pair)
    times = _reader.sample_times(rate_of(*manifests))

    def view(sha256: str, thresholds: Mapping[str, float]) -> ClipView:
        rows = queries.outputs(_snapshot, clip_id, sha256, pair.stored_by)
        return ClipView(Perception(times, rows), thresholds, _reader.image_sizes)

    views = (
        view(pair.deployed_sha256, manifests[0].thresholds),
        view(pair.candidate_sha256, manifests[1].thresholds),
    )
    first_ns = int(_reader.set_timestamps()[0])
    names = {"deployed": pair.deployed, "candidate": pair.candidate}
    return [
        layer(role, f"{name} ({role})", side.perception, first_ns, judged)
        for (role, name), side, judged in zip(names.items(), views, judge(*views), strict=True)
    ]


def _tile(clip_id: str, name: str, reader: ClipReader) -> dict[str, Any]:
    """One camera for the player; a video's own time 0 is its camera's first frame."""
    camera = reader.cameras.get(name)
    if camera is None or not len(reader.timestamps(name)):
        return {"name": name, "url": None}
    begins_ns = int(reader.timestamps(name)[0]) - int(reader.set_timestamps()[0])
    return {
        "name": name,
        "url": session.links().clip(clip_id).url(f"{name}.mp4"),
        "width": camera.width,
        "height": camera.height,
        "start_s": begins_ns / NS_PER_S,
    }


def _signals(snapshot: Snapshot, clip: dict[str, Any]) -> None:
    telemetry = queries.telemetry(snapshot, clip["drive_id"], clip["start_ns"], clip["end_ns"])
    known = charts.known_signals(telemetry)
    if not known:
        return
    chosen = st.multiselect("Signals", known, default=[s for s in SIGNALS if s in known])
    for signal in chosen:
        st.altair_chart(charts.signal_chart(telemetry, signal, clip["start_ns"]))


page()
