"""What a run would do, before it is started: its clips, the work that is left, about how long."""

from dataclasses import dataclass

from ridealong.lake import Lake, Snapshot
from shadow.planning import plan_replay
from shadow.run import RunRequest, clips_of, networks_of
from shadow.schemas import RUNS


@dataclass(frozen=True)
class Preview:
    """The work of a run.

    Attributes:
        clips: Clips that it would judge.
        stored: Those of them whose scores are all stored.
        rescored: Those that are scored again, from stored outputs.
        replayed: Those on which a network is run.
        seconds: About how long the replay takes, by the slowest earlier run; None without one.
    """

    clips: int
    stored: int
    rescored: int
    replayed: int
    seconds: float | None


def preview(lake: Lake, request: RunRequest) -> Preview:
    """Plan a run without doing anything.

    Raises:
        RidealongError: As `shadow_run`: a name is unknown, the networks share no prediction, no
            clip fits, or the home is not writable.
    """
    snapshot = lake.snapshot()
    clips = clips_of(snapshot, request)
    plan = plan_replay(lake, networks_of(snapshot, request), clips, request.device)
    replayed = sum(bool(clip.run) for clip in plan.clips)
    return Preview(
        clips=clips.num_rows,
        stored=clips.num_rows - len(plan.clips),
        rescored=len(plan.clips) - replayed,
        replayed=replayed,
        seconds=_seconds(snapshot, replayed),
    )


def _seconds(snapshot: Snapshot, replayed: int) -> float | None:
    sql = "SELECT max(seconds / len(clip_ids)) FROM runs WHERE dataset IS NULL"
    slowest = snapshot.query(sql, RUNS)[0][0].as_py()
    return None if slowest is None else replayed * float(slowest)
