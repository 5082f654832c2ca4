"""The facts of a clip: its cameras, events, runs and signals, and what can be drawn over it."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.pictures.colours import BEV_LAYERS, SURFACES, css
from dashboard.routes.answers import Answer, Asked, as_json, sentence
from dashboard.routes.home import Clip, Home
from dashboard.routes.signals import known_signals
from dashboard.routes.views import LABELS, seconds_of
from dashboard.session import version
from ingest.clips.picture import default_moment_s
from ingest.clips.read import ClipReader
from ingest.rig import shown_cameras
from ingest.schemas import CLIPS, EVENTS, TELEMETRY
from metrics.tasks.depth import CAP_M
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import family
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.perception.annotations import BEV_X_M, BEV_Y_M, BevLayer, Surface
from ridealong.units import NS_PER_S
from shadow.outputs import RunOutputs
from shadow.runs import ROLES, Run, default_run
from shadow.schemas import NETWORKS, RUN_NAMES, RUNS

READ = (CLIPS, EVENTS, TELEMETRY, RUNS, RUN_NAMES, NETWORKS)


def facts(home: Home, asked: Asked) -> Answer:
    """All facts of a clip; with ``run``, those of that run, otherwise of the newest one.

    Raises:
        RidealongError: There is no such run, or it did not judge this clip.
    """
    clip, named, snapshot = asked.clip, asked.text("run"), home.snapshot()
    runs = [run for run in home.runs() if clip["clip_id"] in run["clip_ids"]]
    chosen = _chosen(runs, home.run(named) if named else None)
    run = chosen["run_id"] if chosen else None
    return Answer(
        ("clip", version(snapshot, *READ), clip["clip_id"], run),
        lambda: as_json(_facts(home, snapshot, clip, runs, chosen)),
        kept_seconds=0,  # runs and events are added
    )


def _chosen(runs: Sequence[Run], named: Run | None) -> Run | None:
    if named is None:
        return default_run(list(runs)) or next(iter(runs), None)
    if named["run_id"] not in [run["run_id"] for run in runs]:
        raise RidealongError(f"run {named['name'] or named['run_id']} did not judge this clip")
    return named


def _facts(
    home: Home, snapshot: Snapshot, clip: Clip, runs: Sequence[Run], chosen: Run | None
) -> dict[str, Any]:
    zero_ns = home.first_ns(clip)
    signals = known_signals(snapshot, clip)
    return {
        "clip": clip["clip_id"],
        "drive": clip["drive_id"],
        "seconds": (clip["end_ns"] - zero_ns) / NS_PER_S,
        "events": _events(snapshot, clip, zero_ns),
        "runs": [_run(run) for run in runs],
        "run": chosen["run_id"] if chosen else None,
        "signals": signals,
        "telemetry": bool(signals),
        **_of_file(home, clip, chosen),
    }


def _events(snapshot: Snapshot, clip: Clip, zero_ns: int) -> list[dict[str, Any]]:
    rows = snapshot.query(
        """select trigger, time_ns, onset_ns, margin, kept, reason from events
        where drive_id = ? and time_ns between ? and ? order by time_ns, trigger""",
        EVENTS,
        params=[clip["drive_id"], clip["start_ns"], clip["end_ns"]],
    ).to_pylist()
    return [
        {
            **{name: row[name] for name in ("trigger", "margin", "kept", "reason")},
            "t": (row["time_ns"] - zero_ns) / NS_PER_S,
            "onset_t": (row["onset_ns"] - zero_ns) / NS_PER_S,
        }
        for row in rows
    ]


def _run(run: Run) -> dict[str, Any]:
    pair = f"{run['candidate']} against {run['deployed']}"
    return {
        "run": run["run_id"],
        "title": run["name"] or pair,
        "deployed": run["deployed"],
        "candidate": run["candidate"],
        "against_itself": run["against_itself"],
    }


def _of_file(home: Home, clip: Clip, run: Run | None) -> dict[str, Any]:
    """What the clip's file and the run's networks say; without them the other facts still hold."""
    zero_ns = home.first_ns(clip)
    try:
        with home.open(clip) as reader:
            shown = shown_cameras(reader.cameras, reader.metadata.drive.get("source"))
            cameras = [_camera(reader, name) for name in shown]
            frames = seconds_of(reader.set_timestamps(), zero_ns)
            middle_s = default_moment_s(reader) + (clip["start_ns"] - zero_ns) / NS_PER_S
            labelled = reader.metadata.label_frames is not None
            labels = reader.dense_label_names() if labelled else {}
    except RidealongError as error:
        why = sentence(error)
        cameras = [_no_camera(name, why) for name in clip["cameras"]]
        nothing = {"frames": [], "middle_s": 0.0, **_networks(home, None, {}, False)}
        return {"cameras": cameras, "why": why, **nothing}
    instants = {"frames": frames, "middle_s": middle_s}
    return {"cameras": cameras, "why": None, **instants, **_networks(home, run, labels, labelled)}


def _networks(
    home: Home, run: Run | None, labels: Mapping[str, Sequence[str]], labelled: bool
) -> dict[str, Any]:
    """What can be drawn; a network that is gone leaves the labels, and ``why`` says so."""
    found: dict[str, Any] = {"layers": [LABELS] if labelled else [], "networks": {}}
    predictions: list[Prediction] = []
    try:
        if run is not None:
            predictions = _predictions(home.outputs(run))
            found["layers"] += ROLES
            found["networks"] = {role: run[role] for role in ROLES}
    except RidealongError as error:
        found["why"] = sentence(error)
    return found | {
        "predictions": [_prediction(one) for one in predictions],
        "dense": _dense(labels, predictions),
    }


def _camera(reader: ClipReader, name: str) -> dict[str, Any]:
    """One camera; a video's own time 0 is its first packet, which may be before the clip."""
    camera = reader.cameras.get(name)
    if camera is None:
        return _no_camera(name, "masked: this vehicle does not record it")
    times = reader.timestamps(name)
    zero_ns = int(reader.set_timestamps()[0]) if len(times) else 0
    start, video = (
        (int(first[0]) - zero_ns) / NS_PER_S if len(times) else 0.0
        for first in (times, reader.packet_times(name))
    )
    return {
        "name": name,
        "width": camera.width,
        "height": camera.height,
        "start_s": start,
        "video_start_s": video,
        "rate_hz": _rate_hz(times.tolist()),
        "video": bool(len(times)),
        "why": None if len(times) else "no frame was recorded",
    }


def _rate_hz(times: Sequence[int]) -> float | None:
    span = times[-1] - times[0] if times else 0
    return round((len(times) - 1) * NS_PER_S / span, 3) if span else None


def _no_camera(name: str, why: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("width", "height", "rate_hz"))
    return {
        "name": name,
        **nothing,
        "start_s": 0.0,
        "video_start_s": 0.0,
        "video": False,
        "why": why,
    }


def _predictions(outputs: RunOutputs) -> list[Prediction]:
    """What either network gives."""
    return sorted({one for role in ROLES for one in outputs.predictions(role)}, key=str)


def _prediction(one: Prediction) -> dict[str, Any]:
    own = family(one.task)
    return {
        "prediction": str(one),
        "metrics": [metric.name for metric in own.metrics.values() if metric.judges(one)],
        "camera": one.camera,
        "task": one.task,
        "dense": not own.form.sparse,
    }


def _dense(
    labels: Mapping[str, Sequence[str]], predictions: Sequence[Prediction]
) -> dict[str, dict[str, Any]]:
    """The dense tasks that labels or networks have, and what their textures mean."""
    cameras = {
        task: sorted(
            {*labels.get(task, ()), *(p.camera for p in predictions if p.task == task and p.camera)}
        )
        for task in ("segmentation", "depth")
    }
    found: dict[str, dict[str, Any]] = {}
    if cameras["segmentation"]:
        classes = [{"name": one.value, "colour": css(SURFACES[one])} for one in Surface]
        found["segmentation"] = {"cameras": cameras["segmentation"], "classes": classes}
    if cameras["depth"]:
        found["depth"] = {"cameras": cameras["depth"], "max_m": CAP_M}
    seen = {*labels.get("bev", ()), *(p.category for p in predictions if p.task == "bev")}
    if seen:
        layers = [{"name": one.value, "colour": css(BEV_LAYERS[one])} for one in BevLayer]
        found["bev"] = {
            "layers": layers,
            "x_m": BEV_X_M,  # from the last row to the first
            "y_m": BEV_Y_M,  # from the last column to the first
        }
    return found
