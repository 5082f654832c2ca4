"""The parts of a clip file: its topics, its metadata record, the version of its format."""

import re

FORMAT_VERSION = 1
LIBRARY = "ridealong"  # MCAP's header names its writer; a fixed string keeps the bytes the same
METADATA = "ridealong"  # name of the metadata record
TELEMETRY = "/telemetry"
LABELS = "/labels"

_CAMERA = re.compile(r"/camera/(?P<name>[^/]+)/(?P<kind>[^/]+)")


def video(camera: str) -> str:
    """H.264 of one camera."""
    return f"/camera/{camera}/video"


def calibration(camera: str) -> str:
    """Intrinsics and pose of one camera."""
    return f"/camera/{camera}/calibration"


def annotations(camera: str, prefix: str = "") -> str:
    """Boxes and lines for viewers; ``prefix`` names a network, ``/deployed``."""
    return f"{prefix}/camera/{camera}/annotations"


def outputs(network: str) -> str:
    """Exact sparse outputs of one network, as `LABELS` has the labels."""
    return f"/{network}/outputs"


def depth(camera: str) -> str:
    """Dense depth of one camera."""
    return f"/camera/{camera}/depth"


def segmentation(camera: str) -> str:
    """Dense segmentation of one camera."""
    return f"/camera/{camera}/segmentation"


def bev(layer: str) -> str:
    """One top-down layer."""
    return f"/bev/{layer}"


def cameras_of(topics: list[str], kind: str) -> list[str]:
    """The cameras that have a topic of that kind, in the order of the topics."""
    found = [_CAMERA.fullmatch(topic) for topic in topics]
    return [match["name"] for match in found if match and match["kind"] == kind]


def camera_of(topic: str) -> str | None:
    """The camera of a topic; None if it belongs to no camera."""
    match = _CAMERA.fullmatch(topic)
    return match["name"] if match else None
