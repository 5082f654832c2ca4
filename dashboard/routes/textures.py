"""Dense outputs and labels of a window of time as textures: one byte a pixel, compressed.

The body is a line of JSON, a newline, and one zlib stream of ``frames * height * width`` bytes,
frame after frame, rows from the top. The header has ``frames``, ``width``, ``height``, ``times`` in
seconds, ``step_s``, and ``kind``, ``rule`` and ``values`` of a `Texture`.
"""

import json
import zlib
from dataclasses import dataclass

import numpy as np

from dashboard.player.dense import DenseTask, Texture
from dashboard.player.layers import step_s
from dashboard.routes.answers import Answer, Asked, AskedWronglyError
from dashboard.routes.home import Clip, Home
from dashboard.routes.views import LABELS, seconds_of
from ingest.clips.read import ClipReader
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ANNOTATIONS, Perception, Task
from ridealong.units import NS_PER_S
from shadow.runs import ROLES, Run

DIFFERENCE, LOST = "difference", "lost"
LAYERS = (LABELS, *ROLES, DIFFERENCE, LOST)
MOST_FRAMES = 128  # that networks infer for one answer
LEVEL = 6  # of zlib
NOTHING = Texture("mask", np.zeros((0, 0, 0), np.uint8))


@dataclass(frozen=True)
class Textures:
    """The route of dense layers.

    Attributes:
        home: The home.
    """

    home: Home

    def __call__(self, asked: Asked) -> Answer:
        """One texture of the frames from ``from`` to before ``to``.

        All layers but the labels need ``run``. ``category`` restricts the difference and the losses
        of a segmentation to one class.

        Raises:
            RidealongError: There is no such layer, camera or run; the clip has no labels; something
                is damaged; or torch is not installed.
        """
        layer = asked.path["layer"]
        if layer not in LAYERS:
            raise RidealongError(f"unknown layer {layer!r}", expected=" or ".join(LAYERS))
        own = DenseTask(asked.path["task"], asked.path["camera"], asked.text("category"))
        run = None if layer == LABELS else self.home.run(asked.needed("run"))
        window, clip = asked.window(), asked.clip
        key = clip["clip_id"], clip["blob"], run["run_id"] if run else None
        return Answer(
            ("texture", *key, layer, own, window),
            lambda: self._body(clip, run, layer, own, window),
            media_type="application/octet-stream",
            packed=True,
        )

    def _body(
        self, clip: Clip, run: Run | None, layer: str, own: DenseTask, window: tuple[float, float]
    ) -> bytes:
        first_ns = self.home.first_ns(clip)
        with self.home.open(clip) as reader:
            every = self._frames(reader, run, layer)
            seconds = (every - first_ns) / NS_PER_S
            times = every[(seconds >= window[0]) & (seconds < window[1])]
            if run is not None and len(times) > MOST_FRAMES:
                raise AskedWronglyError(
                    f"the window has {len(times)} frames", expected=f"at most {MOST_FRAMES}"
                )
            texture = self._texture(reader, run, layer, own, times) if len(times) else NOTHING
        header = {
            "frames": len(times),
            "width": texture.pixels.shape[2],
            "height": texture.pixels.shape[1],
            "times": seconds_of(times, first_ns),
            "step_s": step_s(every),
            **{name: getattr(texture, name) for name in ("kind", "rule", "values")},
        }
        return json.dumps(header).encode() + b"\n" + zlib.compress(texture.pixels.tobytes(), LEVEL)

    def _frames(self, reader: ClipReader, run: Run | None, layer: str) -> Ints:
        """The frames that a layer has in a clip."""
        labelled = reader.label_timestamps()
        if run is None:
            return labelled
        judged = reader.sample_times(self.home.outputs(run).rate_hz)
        return np.intersect1d(judged, labelled) if layer == LOST else judged

    def _texture(
        self, reader: ClipReader, run: Run | None, layer: str, own: DenseTask, times: Ints
    ) -> Texture:
        if run is None:
            return own.as_is(own.array(_labels(reader, own, times), "the label"))
        seen = self.home.dense.alone(self.home.outputs(run), reader, times)
        sides = [own.array(seen[role], f"the {role} network") for role in ROLES]
        if layer == LOST:
            return own.lost(own.array(_labels(reader, own, times), "the label"), *sides)
        if layer == DIFFERENCE:
            return own.difference(*sides)
        return own.as_is(sides[ROLES.index(layer)])


def _labels(reader: ClipReader, own: DenseTask, times: Ints) -> Perception:
    """The labels that a texture needs, at all of these labelled frames."""
    names = reader.dense_label_names()[own.task]
    if own.task != Task.BEV:
        names = [name for name in names if name == own.camera]
    arrays = {}
    for name in names:
        found, array = reader.dense_labels(own.task, name, int(times[0]), int(times[-1]))
        arrays[name] = array[np.isin(found, times)]
    return Perception(times, ANNOTATIONS.empty_table(), **{own.task: arrays})  # type: ignore[arg-type]
