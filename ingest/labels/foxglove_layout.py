"""A layout for Foxglove: the cameras with labels and outputs, and plots of the telemetry."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.clips import topics
from ingest.labels.signals_topic import TOPIC, field_name

FILE = "foxglove_layout.json"
# The signals that are plotted, if the clips have them.
_PLOTTED = (
    "Vehicle.Speed",
    "Vehicle.Acceleration.Longitudinal",
    "Vehicle.Acceleration.Lateral",
    "Vehicle.Chassis.Brake.PedalPosition",
)

Json = dict[str, Any]


def foxglove_layout(cameras: Sequence[str], signals: Sequence[str]) -> Json:
    """The layout as JSON values.

    Args:
        cameras: The cameras, in order; each gets a panel.
        signals: The signals that the clips have.
    """
    panels: Json = {f"Image!{name}": _image(name) for name in cameras}
    plotted = [name for name in _PLOTTED if name in signals]
    if plotted:
        panels["Plot!telemetry"] = _plot(plotted)
    return {
        "configById": panels,
        "globalVariables": {},
        "userNodes": {},
        "playbackConfig": {"speed": 1},
        "layout": _split(list(panels), "row"),
    }


def _image(camera: str) -> Json:
    names = [topics.annotations(camera, prefix) for prefix in ("", "/deployed", "/candidate")]
    return {
        "cameraState": {},
        "imageMode": {
            "imageTopic": topics.video(camera),
            "calibrationTopic": topics.calibration(camera),
            "annotations": {name: {"visible": True} for name in names},
        },
    }


def _plot(signals: Sequence[str]) -> Json:
    paths = [
        {
            "value": f"{TOPIC}.{field_name(name)}",
            "enabled": True,
            "timestampMethod": "receiveTime",
            "label": name,
        }
        for name in signals
    ]
    return {"paths": paths, "showLegend": True, "isSynced": True, "xAxisVal": "timestamp"}


def _split(panels: Sequence[str], direction: str) -> str | Mapping[str, Any] | None:
    """Panels in halves of halves, side by side and one above the other in turn."""
    if len(panels) < 2:
        return panels[0] if panels else None
    half, other = len(panels) // 2, "column" if direction == "row" else "row"
    return {
        "first": _split(panels[:half], other),
        "second": _split(panels[half:], other),
        "direction": direction,
        "splitPercentage": 50,
    }
