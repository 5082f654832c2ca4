"""Each frame's share of the loss of one cell of a run, and the frame that costs most."""

from dataclasses import asdict, dataclass, field, replace

import numpy as np

from dashboard.routes.answers import Answer, Asked, as_json, sentence
from dashboard.routes.home import Clip, Home
from dashboard.routes.memory import Memory
from dashboard.routes.views import seconds_of
from metrics.gate.cells import Cell, cells_from
from metrics.gate.schemas import VERDICTS
from metrics.slices import format_slice, parse_slice
from metrics.tasks.metric import Reference
from metrics.tasks.registry import parse_prediction
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.lake import Snapshot
from shadow.frame_losses import FrameLosses
from shadow.runs import Run

LOSSES_KEPT = 256
DIGITS = 6


@dataclass(frozen=True)
class Losses:
    """What the frames of a clip cost.

    Attributes:
        camera: The camera of the prediction; None if it belongs to none.
        times_ns: The frames with a share.
        times: The same in seconds, as the player counts them.
        shares: Their shares of the loss; a negative one is a gain. They sum to ``share``.
        share: The clip's share of the cell's loss.
        why: Why frames have no shares, in a sentence; None if they have.
    """

    camera: str | None
    share: float
    times_ns: tuple[int, ...] = ()
    times: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    why: str | None = None

    @property
    def costliest(self) -> int | None:
        """The index of the frame with the largest share; None if none has a share above 0."""
        at = max(range(len(self.shares)), key=lambda one: (self.shares[one], -one), default=None)
        return at if at is not None and self.shares[at] > 0 else None


@dataclass(frozen=True)
class LossesOf:
    """The route of losses, which other routes ask too.

    Attributes:
        home: The home.
        memory: Keeps losses.
    """

    home: Home
    memory: Memory[Losses] = field(default_factory=lambda: Memory(LOSSES_KEPT, size=lambda _: 1))

    def __call__(self, asked: Asked) -> Answer:
        """The losses of ``run``, ``prediction`` and ``metric``, at ``slice`` (all by default).

        Raises:
            RidealongError: There is no such run or cell.
        """
        run, clip = self.home.run(asked.needed("run")), asked.clip
        names = asked.needed("prediction"), asked.needed("metric"), asked.text("slice") or "all"
        cell = cell_of(self.home.snapshot(), run, *names)
        return Answer(
            ("losses", *_key(clip, run, cell)),
            lambda: as_json(_document(self.of(clip, run, cell))),
        )

    def of(self, clip: Clip, run: Run, cell: Cell) -> Losses:
        """The losses of a cell on a clip.

        Raises:
            RidealongError: The clip, the stored outputs or scores, or a network are damaged.
        """
        return self.memory.get(_key(clip, run, cell), lambda: self._find(clip, run, cell))

    def _find(self, clip: Clip, run: Run, cell: Cell) -> Losses:
        found = FrameLosses(self.home.outputs(run), [cell])
        empty = Losses(parse_prediction(cell["prediction"]).camera, found.share(clip))
        why = _why_not(clip, cell)
        if why:
            return replace(empty, why=why)
        try:
            shares = found.shares(clip)
        except NotInstalledError as error:
            return replace(empty, why=sentence(error))
        if not shares:
            return replace(empty, why=f"no frame of this clip was judged for {cell['prediction']}")
        times = sorted(shares)
        return replace(
            empty,
            times_ns=tuple(times),
            times=tuple(seconds_of(np.array(times), self.home.first_ns(clip))),
            shares=tuple(round(shares[time], DIGITS) for time in times),
        )


def cell_of(snapshot: Snapshot, run: Run, prediction: str, metric: str, where: str = "all") -> Cell:
    """One cell of a run: a row of its verdicts.

    Raises:
        RidealongError: There is none of that name.
    """
    names = [run["run_id"], prediction, metric, format_slice(parse_slice(where))]
    rows = snapshot.query(
        "select * exclude (run_id) from verdicts "
        "where run_id = ? and prediction = ? and metric = ? and slice = ?",
        VERDICTS,
        params=names,
    )
    if not rows.num_rows:
        raise RidealongError(f"the run has no check {prediction} {metric} at {where}")
    return cells_from(rows)[0]


def _key(clip: Clip, run: Run, cell: Cell) -> tuple[object, ...]:
    names = cell["prediction"], cell["metric"], cell["slice"], cell["reference"]
    return clip["clip_id"], clip["blob"], run["run_id"], names


def _why_not(clip: Clip, cell: Cell) -> str | None:
    """Why the frames of a clip have no shares of a cell; None if they may have."""
    if cell["reference"] == Reference.SELF:
        return f"{cell['metric']} compares frames with each other: no single frame has a share"
    if cell["reference"] != Reference.LABELS:
        return f"{cell['metric']} compares the networks: it says where to look, not what is lost"
    if not clip["labelled"]:
        return f"{cell['metric']} needs labels, and this clip has none"
    return None


def _document(losses: Losses) -> dict[str, object]:
    at = losses.costliest
    return {
        **{name: value for name, value in asdict(losses).items() if name != "times_ns"},
        "costliest_t": None if at is None else losses.times[at],
    }
