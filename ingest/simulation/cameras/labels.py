"""Exact labels of a simulated scene, in the standard forms of `ridealong.perception.annotations`.

See `boxes` for road users and traffic lights, `lines` for lanes and edges, `top_down` for the
layout. Depth and segmentation come from the renderer as they are.

The ego's future path is one row without a camera: where the ego does drive, from the log. At
the drive's end it has fewer points, and in its last half second there is no row.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.boxes import LabelRow, light_rows, object_rows, stack_pixels
from ingest.simulation.cameras.lines import LinePoints, line_rows, lines_near
from ingest.simulation.cameras.pinholes import Pinholes, pinholes
from ingest.simulation.cameras.render import EVERYTHING, RenderedSet, Renderer
from ingest.simulation.cameras.top_down import top_down
from ingest.simulation.scene import SceneState, StaticWorld, to_ego
from ridealong.perception.annotations import BevLayer, Perception, Task, annotation_table


def label_clip(
    renderer: Renderer, world: StaticWorld, instants: Iterable[tuple[int, SceneState]]
) -> Perception:
    """Draw the instants of a clip, with sparse and dense labels."""
    times: list[int] = []
    rows: list[LabelRow] = []
    depth: dict[str, list[NDArray[np.float32]]] = {name: [] for name in renderer.cameras}
    surfaces: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in renderer.cameras}
    layers: dict[str, list[NDArray[np.uint8]]] = {layer.value: [] for layer in BevLayer}
    rig = pinholes(renderer.cameras)
    for timestamp_ns, state in instants:
        rendered = renderer.render(state, timestamp_ns, EVERYTHING)
        lines = lines_near(world, state)
        times.append(timestamp_ns)
        rows += frame_rows(world, state, timestamp_ns, rendered, rig, lines)
        for name in renderer.cameras:
            depth[name].append(rendered.depth[name])
            surfaces[name].append(rendered.segmentation[name])
        for layer, cells in top_down(renderer, world, state, lines).items():
            layers[layer].append(cells)
    if not times:
        return Perception(np.zeros(0, np.int64), annotation_table([]), tasks=frozenset(Task))
    return Perception(
        np.array(times, np.int64),
        annotation_table(rows),
        {name: np.stack(frames) for name, frames in depth.items()},
        {name: np.stack(frames) for name, frames in surfaces.items()},
        {layer: np.stack(frames) for layer, frames in layers.items()},
        frozenset(Task),
    )


def frame_rows(
    world: StaticWorld,
    state: SceneState,
    timestamp_ns: int,
    rendered: RenderedSet,
    rig: Pinholes,
    lines: LinePoints,
) -> list[LabelRow]:
    """The sparse labels of one instant, drawn with `EVERYTHING`, as rows of ANNOTATIONS."""
    pixels = stack_pixels(rig, rendered.seen)
    kinds = [
        object_rows(state, rig, pixels),
        light_rows(world, state, rig, pixels),
        line_rows(lines, rig, rendered.depth),
    ]
    found = _path_rows(state)
    for name in rig.names:
        found += [{"camera": name, **row} for rows in kinds for row in rows[name]]
    return [{"timestamp_ns": timestamp_ns, "score": 1.0, **row} for row in found]


def _path_rows(state: SceneState) -> list[LabelRow]:
    """Where the ego drives next: one row, or none if the drive ends before."""
    if not len(state.path_m):
        return []
    return [{"task": Task.PATH.value, "points": to_ego(state, state.path_m).ravel().tolist()}]
