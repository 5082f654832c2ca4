"""Pictures of a clip: one camera at one time, or a frame as each network of a run saw it."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.pictures.cameras import Picture, camera_image, camera_of, resized
from dashboard.pictures.colours import LAYERS
from dashboard.pictures.pair import frame_panels
from dashboard.player.differences import judge
from dashboard.routes.answers import Answer, Asked, AskedWronglyError
from dashboard.routes.home import Clip, Home
from dashboard.routes.views import LABELS, Views
from ingest.clips.picture import default_moment_s, draw
from ingest.clips.read import ClipReader
from metrics.tasks.registry import parse_prediction
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import at_times
from ridealong.units import NS_PER_S
from shadow.runs import ROLES, Run

USUAL_WIDTH, LEAST_WIDTH, MOST_WIDTH = 320, 16, 1920
QUALITY = 80
LONGEST_S = 1e6  # more than any clip is long


@dataclass(frozen=True)
class Thumbnails:
    """The route of pictures.

    Attributes:
        views: Reads what was seen.
    """

    views: Views

    def __call__(self, asked: Asked) -> Answer:
        """A JPEG of ``camera`` (by default the usual one) at ``t`` (the labelled middle).

        With ``layer``, and ``run`` for a network, its marks are drawn. With ``prediction``, ``run``
        and a network as ``layer`` it is that prediction as the network saw it, dense ones too; then
        the picture is of a judged frame. ``w`` is the width.

        Raises:
            RidealongError: There is no such camera, run, layer or prediction.
        """
        width = int(asked.number("w", USUAL_WIDTH))
        if not LEAST_WIDTH <= width <= MOST_WIDTH:
            raise AskedWronglyError(f"w is {width}", expected=f"{LEAST_WIDTH} to {MOST_WIDTH}")
        asked.number("t", 0.0)
        named = asked.text("run")
        run = self.views.home.run(named) if named else None
        given = {name: asked.text(name) for name in ("camera", "t", "layer", "prediction")}
        key = ("thumb", asked.clip["clip_id"], asked.clip["blob"], run and run["run_id"], width)
        return Answer(
            (*key, *given.values()),
            lambda: jpeg(self._picture(asked, run, width)),
            media_type="image/jpeg",
            packed=True,
        )

    def _picture(self, asked: Asked, run: Run | None, width: int) -> Picture:
        home, clip, layer = self.views.home, asked.clip, asked.text("layer")
        with home.open(clip) as reader:
            time_ns = _moment_ns(home, clip, reader, asked)
            prediction = asked.text("prediction")
            if prediction:
                if run is None or layer not in ROLES:
                    raise AskedWronglyError("a prediction needs run and layer", expected=f"{ROLES}")
                outputs = home.outputs(run)
                judged = reader.sample_times(outputs.rate_hz)
                at = int(nearest(judged, time_ns))
                own = parse_prediction(prediction)
                return resized(frame_panels(outputs, reader, own, at)[layer], width)[0]
            camera = asked.text("camera") or camera_of(reader)
            image = camera_image(reader, camera, time_ns)
            picture, scale = resized(image, width)
        if layer:
            self._draw(picture, clip, run, layer, camera, time_ns, scale)
        return picture

    def _draw(
        self,
        picture: Picture,
        clip: Clip,
        run: Run | None,
        layer: str,
        camera: str,
        time_ns: int,
        scale: float,
    ) -> None:
        """Draw the marks of a layer that count, at its frame nearest the time."""
        seen = self.views.of(clip, run)
        times = seen.layer(layer).perception.timestamps_ns
        if not len(times):
            return
        at = np.array([nearest(times, time_ns)])
        views = {name: view.on(at_times(view.perception, at)) for name, view in seen.views.items()}
        rows = views[layer].perception.sparse
        if layer != LABELS:
            sides = dict(zip(ROLES, judge(*(views[role] for role in ROLES)), strict=True))
            rows = rows.filter(pa.array(sides[layer].counts))
        draw(picture, rows.filter(pc.equal(rows["camera"], camera)), LAYERS[layer], scale)


def _moment_ns(home: Home, clip: Clip, reader: ClipReader, asked: Asked) -> int:
    if asked.text("t") is None:
        return reader.metadata.start_ns + round(default_moment_s(reader) * NS_PER_S)
    seconds = min(max(asked.number("t", 0.0), 0.0), LONGEST_S)
    return home.first_ns(clip) + round(seconds * NS_PER_S)


def nearest(times_ns: Ints, time_ns: int) -> Any:
    """The time that is nearest another one.

    Raises:
        RidealongError: There are none.
    """
    if not len(times_ns):
        raise RidealongError("the clip has no frames")
    return times_ns[np.abs(times_ns - time_ns).argmin()]


def jpeg(picture: Picture) -> bytes:
    """The picture as a JPEG file."""
    out = io.BytesIO()
    picture.save(out, "jpeg", quality=QUALITY)
    return out.getvalue()
