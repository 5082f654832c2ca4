"""The marks of a layer over a window of time: boxes, lights, lines and paths."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.player.differences import Judged, judge, lost
from dashboard.player.layers import layer_marks, step_s
from dashboard.routes.answers import Answer, Asked, as_json
from dashboard.routes.home import Clip
from dashboard.routes.memory import Memory
from dashboard.routes.views import LABELS, LAYERS, Seen, Views
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from shadow.runs import ROLES, Run

MEMORY_BYTES = 32 << 20


@dataclass(frozen=True)
class Judgement:
    """What counts, is alone, or was lost, by layer, in one window."""

    judged: Mapping[str, Judged]
    lost: Mapping[str, Bools]

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        sides = sum(
            one.counts.nbytes + one.below.nbytes + one.alone.nbytes for one in self.judged.values()
        )
        return sides + sum(one.nbytes for one in self.lost.values())


@dataclass(frozen=True)
class Marks:
    """The route of marks.

    Attributes:
        views: Reads what was seen.
        judgements: Keeps what was judged: all layers of a window need the same.
    """

    views: Views
    judgements: Memory[Judgement] = field(
        default_factory=lambda: Memory(MEMORY_BYTES, size=lambda one: one.nbytes)
    )

    def __call__(self, asked: Asked) -> Answer:
        """The marks of ``layer`` from ``from`` to before ``to``.

        Networks need ``run``. With a run, labels say which of them the candidate lost. ``deeper``
        includes marks whose score is at most that far below the threshold.

        Raises:
            RidealongError: There is no such run or layer.
        """
        layer, named = asked.needed("layer"), asked.text("run")
        if layer not in LAYERS:
            raise RidealongError(f"unknown layer {layer!r}", expected=" or ".join(LAYERS))
        run = self.views.home.run(asked.needed("run")) if named or layer in ROLES else None
        window = asked.window()
        deeper = min(max(asked.number("deeper", 0.0), 0.0), 1.0)
        run_id = run["run_id"] if run else None
        key = asked.clip["clip_id"], asked.clip["blob"], run_id, window
        return Answer(
            ("marks", *key, layer, deeper),
            lambda: as_json(self._document(key, asked.clip, run, layer, deeper)),
        )

    def _document(
        self,
        key: tuple[Any, Any, Any, tuple[float, float]],
        clip: Clip,
        run: Run | None,
        layer: str,
        deeper: float,
    ) -> dict[str, Any]:
        whole = self.views.of(clip, run)
        seen = whole.within(*key[-1])
        own = seen.layer(layer).perception
        judgement = self.judgements.get(key, lambda: _judgement(seen))
        return {
            "layer": layer,
            "step_s": step_s(whole.layer(layer).perception.timestamps_ns),
            **layer_marks(
                own,
                seen.first_ns,
                judgement.judged.get(layer),
                judgement.lost.get(layer),
                deeper,
            ),
        }


def _judgement(seen: Seen) -> Judgement:
    if not all(role in seen.views for role in ROLES):
        return Judgement({}, {})
    deployed, candidate = (seen.layer(role) for role in ROLES)
    sides = dict(zip(ROLES, judge(deployed, candidate), strict=True))
    if LABELS not in seen.views:
        return Judgement(sides, {})
    labels = seen.layer(LABELS)
    missed, extra = lost(labels, deployed, candidate, sides[ROLES[1]].alone)
    return Judgement(sides, {LABELS: missed, ROLES[1]: extra})
