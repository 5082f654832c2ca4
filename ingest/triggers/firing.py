"""When a trigger fires, given its condition at every sample, and which events are suppressed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ingest.triggers.grid import Samples
from ingest.triggers.spec import TriggerSpec


class Reason(StrEnum):
    """Why a firing was suppressed."""

    POST_WINDOW = (
        "post_window"  # in the post-window of an event that counted: that event's clip shows it
    )
    COOLDOWN = "cooldown"  # too soon after an event that counted
    SAMPLED_OUT = "sampled_out"  # not in the share that the trigger keeps
    BUDGET_VEHICLE_DAY = "budget_vehicle_day"  # the vehicle's budget of the day is used up
    BUDGET_DAY = "budget_day"  # the budget of the day is used up
    UNREADABLE = "unreadable"  # the recording is damaged there, so no clip can show it


@dataclass(frozen=True)
class Trace:
    """A trigger's conditions at samples of many drives, in order. All arrays are ``(N,)``.

    At all other samples, the condition is known to be false and re-arms.

    Attributes:
        samples: The samples.
        when: 1 true, -1 false, 0 unknown.
        relaxed: Whether `when` is true without its holds.
        rearmed: Whether the sample re-arms.
        margins: Robustness of `when`; NaN is unknown.
    """

    samples: Samples
    when: NDArray[np.int8]
    relaxed: NDArray[np.bool_]
    rearmed: NDArray[np.bool_]
    margins: NDArray[np.float64]


@dataclass(frozen=True)
class Firing:
    """One firing.

    Attributes:
        drive: Number of the drive.
        time_ns: When it fired.
        onset_ns: When its condition, without its holds, became true.
        margin: By how much the condition was exceeded; None without a number.
        chance: Probability of firing: 1, except for a random moment.
    """

    drive: int
    time_ns: int
    onset_ns: int
    margin: float | None
    chance: float = 1.0


def firings(trace: Trace, every_ns: int | None) -> list[Firing]:
    """Every firing, in order.

    A trigger fires at a sample at which `when` is true and was not at the sample before (a drive
    starts armed), if some sample since the last firing re-armed it.
    """
    if not (trace.when == 1).any():
        return []
    times, drives = trace.samples.times_ns, trace.samples.drives
    onsets = _onsets(trace)
    fired = []
    for start, end in _armed_runs(trace, every_ns):
        for index in _repeats(times, start, end, every_ns):
            onset, time = int(times[onsets[index]]), int(times[index])
            margin = _peak(trace.margins[index:end])
            fired.append(Firing(int(drives[index]), time, onset, margin))
    return fired


def suppressed(fired: Sequence[Firing], ids: Sequence[str], spec: TriggerSpec) -> list[str | None]:
    """The reason of each firing of one drive, in order; None if it counts."""
    reasons: list[str | None] = []
    counted: int | None = None
    for firing, event_id in zip(fired, ids, strict=True):
        reason = _too_soon(firing.time_ns, counted, spec)
        if reason is None:
            # A firing that sampling leaves out still counts. Otherwise the next one would take its
            # place, and the probability of being kept would be unknown.
            counted = firing.time_ns
            if fraction_of(f"sample:{event_id}") >= spec.sample:
                reason = Reason.SAMPLED_OUT
        reasons.append(reason)
    return reasons


def fraction_of(text: str) -> float:
    """A number in [0, 1) drawn by the hash of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _too_soon(time_ns: int, counted: int | None, spec: TriggerSpec) -> Reason | None:
    if counted is None:
        return None
    if time_ns <= counted + spec.post_ns:
        return Reason.POST_WINDOW
    return Reason.COOLDOWN if time_ns < counted + spec.cooldown_ns else None


def _joined(trace: Trace) -> NDArray[np.bool_]:
    """Whether the sample before in this trace is the sample before in the drive."""
    near = np.diff(trace.samples.positions) == 1
    return np.append(False, near & (np.diff(trace.samples.drives) == 0))


def _runs(trace: Trace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and (exclusive) ends of the runs of samples at which `when` is true."""
    true = trace.when == 1
    goes_on = np.append(False, true[:-1]) & _joined(trace) & true
    starts = np.flatnonzero(true & ~goes_on)
    ends = np.flatnonzero(true & ~np.append(goes_on[1:], False)) + 1
    return starts, ends


def _armed_runs(trace: Trace, every_ns: int | None) -> Iterator[tuple[int, int]]:
    """The runs whose start fires."""
    starts, ends = _runs(trace)
    samples = trace.samples
    # Differences of this count the samples between two firings that do not re-arm.
    disarmed = np.append(0, np.cumsum(~trace.rearmed))
    last: int | None = None
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if last is not None and samples.drives[last] == samples.drives[start]:
            between = samples.positions[start] - samples.positions[last] - 1
            if disarmed[start] - disarmed[last + 1] >= between:
                continue
        *_, last = _repeats(samples.times_ns, start, end, every_ns)
        yield start, end


def _repeats(
    times_ns: NDArray[np.int64], start: int, end: int, every_ns: int | None
) -> Iterator[int]:
    """The run's start, and then the first sample at least ``every`` after the last one."""
    index = start
    while index < end:
        yield index
        if every_ns is None:
            return
        index += int(np.searchsorted(times_ns[index:end], times_ns[index] + every_ns))


def _onsets(trace: Trace) -> NDArray[np.int64]:
    """For each sample the start of its run (condition without holds); else the sample itself."""
    own = np.arange(len(trace.samples.positions))
    begins = trace.relaxed & (trace.samples.breaks | ~np.append(False, trace.relaxed[:-1]))
    latest = np.maximum.accumulate(np.where(begins, own, 0))
    return np.where(trace.relaxed, latest, own)


def _peak(margins: NDArray[np.float64]) -> float | None:
    known = margins[~np.isnan(margins)]
    peak = float(known.max()) if len(known) else np.inf
    return peak if np.isfinite(peak) else None
