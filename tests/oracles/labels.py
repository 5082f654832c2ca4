"""The sparse labels of one instant, without those of a whole clip."""

from collections.abc import Mapping

from ingest.simulation.cameras.boxes import LabelRow
from ingest.simulation.cameras.labels import frame_rows
from ingest.simulation.cameras.lines import lines_near
from ingest.simulation.cameras.pinholes import pinholes
from ingest.simulation.cameras.render import RenderedSet
from ingest.simulation.scene import SceneState, StaticWorld
from ridealong.perception.geometry import CameraCalibration


def label_frame(
    world: StaticWorld,
    state: SceneState,
    timestamp_ns: int,
    rendered: RenderedSet,
    cameras: Mapping[str, CameraCalibration],
) -> list[LabelRow]:
    """Return the sparse labels of one instant, drawn with `EVERYTHING`, as rows of ANNOTATIONS."""
    lines = lines_near(world, state)
    return frame_rows(world, state, timestamp_ns, rendered, pinholes(cameras), lines)
