"""When frames are shown: what packets say, put right."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.video.timeline import FULL, SAME_INSTANT_NS, Timeline, aligned, read_timeline

MS = Fraction(1, 1000)
TS_CLOCK = Fraction(1, 90_000)


def packet(pts: int | None, dts: int | None = None, **more: Any) -> Any:
    """A packet of 50 ticks, decoded when it is shown unless ``dts`` says otherwise."""
    plain = {"duration": 50, "is_keyframe": False, "is_discard": False, "size": 100}
    return SimpleNamespace(pts=pts, dts=pts if dts is None else dts, **(plain | more))


def read(packets: list[Any], time_base: Fraction = MS, container: str = "mpegts") -> Timeline:
    codec = SimpleNamespace(has_b_frames=False)
    stream: Any = SimpleNamespace(time_base=time_base, guessed_rate=20, codec_context=codec)
    return read_timeline(packets, stream, container, can_seek=container != "mpegts")


def times(*pts: int) -> list[int]:
    return read([packet(p) for p in pts]).ticks.tolist()


def test_plain() -> None:
    timeline = read([packet(p) for p in (100, 150, 200)])
    assert timeline.ticks.tolist() == [100, 150, 200]
    assert (timeline.end_tick, timeline.marks.tolist()) == (250, [0, 1, 2])
    assert timeline.ends().tolist() == [150, 200, 250]
    assert timeline.since(Fraction(1, 10), timeline.ticks).tolist() == [0, 50_000_000, 100_000_000]


def test_reordered_frames_are_put_in_order() -> None:
    # decoded I P B B, shown I B B P
    shown = [packet(0, -50), packet(150, 0), packet(50, 50), packet(100, 100)]
    timeline = read(shown)
    assert (timeline.ticks.tolist(), timeline.marks.tolist()) == ([0, 50, 100, 150], [0, 2, 3, 1])
    assert timeline.end_tick == 200


@pytest.mark.parametrize(
    ("pts", "joined", "joints"),
    [
        ((0, 50, 100, 0, 50, 100), (0, 50, 100, 150, 200, 250), 1),
        ((0, 50, 0, 50, 0, 50), (0, 50, 100, 150, 200, 250), 2),
        ((9000, 9050, 0, 50), (9000, 9050, 9100, 9150), 1),  # the second began before the first
        ((0, 5000, 5050, 2000, 2050), (0, 5000, 5050, 5100, 5150), 1),  # and within it
        ((0, 50, 90_000, 90_050), (0, 50, 90_000, 90_050), 0),  # a hole: nothing was recorded
        ((0, 50, 40, 150), (0, 40, 50, 150), 0),  # out of order, by little
    ],
)
def test_clocks_that_start_over_are_joined(
    pts: tuple[int, ...], joined: tuple[int, ...], joints: int
) -> None:
    timeline = read([packet(p) for p in pts])
    assert (tuple(timeline.ticks.tolist()), timeline.joints) == (joined, joints)


def test_a_segment_joined_goes_on_after_the_last_frame_shown() -> None:
    """Matroska leaves out when reordered frames are decoded."""
    segment = [
        packet(0, 0, is_keyframe=True), packet(100, 50), packet(50, 100), packet(150, 150),
    ]  # fmt: skip
    segment[0].dts = None
    timeline = read([*segment, *segment])
    assert timeline.ticks.tolist() == [50 * k for k in range(8)]
    assert (timeline.duplicates, timeline.joints) == (0, 1)


def test_a_transport_streams_clock_that_runs_full_goes_on() -> None:
    pts = [(FULL - 4500 * (2 - k)) % FULL for k in range(5)]
    timeline = read([packet(p, duration=4500) for p in pts], TS_CLOCK)
    assert np.diff(timeline.ticks).tolist() == [4500] * 4
    assert timeline.joints == 0


@pytest.mark.parametrize("spike", [10**9, 5000, 0])
def test_a_damaged_time_moves_no_other(spike: int) -> None:
    timeline = read([packet(p) for p in (2000, 2050, spike, 2150, 2200)])
    assert timeline.ticks.tolist() == [2000, 2050, 2150, 2200]
    assert (timeline.untimed, timeline.marks.tolist()) == (1, [0, 1, 3, 4])


def test_a_frame_shown_long_after_it_is_decoded_has_a_damaged_time() -> None:
    timeline = read([packet(0), packet(10**8, 50), packet(100)])
    assert (timeline.ticks.tolist(), timeline.untimed) == ([0, 100], 1)


def test_of_two_frames_at_one_time_the_first_stays() -> None:
    timeline = read([packet(0), packet(50), packet(50), packet(100)])
    assert (timeline.ticks.tolist(), timeline.marks.tolist()) == ([0, 50, 100], [0, 1, 3])
    assert timeline.duplicates == 1


def test_what_an_edit_list_hides_is_not_shown() -> None:
    shown = [packet(-50, is_discard=True), packet(0), packet(50)]
    timeline = read(shown, container="mov,mp4,m4a,3gp,3g2,mj2")
    assert (timeline.ticks.tolist(), timeline.hidden) == ([0, 50], 1)


def test_empty_packets_are_none() -> None:
    assert read([packet(0), packet(50, size=0), packet(100)]).ticks.tolist() == [0, 100]


def test_avi_keeps_the_times_of_frames_whose_neighbours_were_dropped() -> None:
    timeline = read([packet(k, duration=1) for k in (0, 1, 4, 5)], Fraction(1, 20), "avi")
    assert (timeline.ticks.tolist(), timeline.marks.tolist()) == ([0, 1, 4, 5], [0, 1, 2, 3])
    assert timeline.end_tick == 6


def test_bare_streams_are_counted() -> None:
    timeline = read([packet(None) for _ in range(3)], container="h264")
    assert (timeline.ticks.tolist(), timeline.end_tick) == ([0, 1, 2], 3)
    assert timeline.time_base == Fraction(1, 20)


def test_decoding_may_start_at_key_frames_unless_the_clock_starts_over() -> None:
    shown = [packet(p, is_keyframe=p % 100 == 0) for p in (0, 50, 100, 150, 200)]
    timeline = read(shown, container="matroska,webm")
    assert timeline.entries == ((0, 0), (2, 100), (4, 200))
    assert (timeline.counted, timeline.marks.tolist()) == (False, [0, 50, 100, 150, 200])
    again = read([*shown, *shown], container="matroska,webm")
    assert (again.entries, again.counted) == ((), True)


def test_nothing() -> None:
    for container in ("mpegts", "avi", "h264"):
        assert len(read([], container=container).ticks) == 0


ticks = st.integers(-(10**6), 10**6)


@given(st.lists(st.tuples(ticks, st.none() | ticks, st.booleans(), st.booleans()), max_size=30))
def test_whatever_packets_say_times_ascend_and_none_is_lost(rows: list[Any]) -> None:
    packets = [packet(pts, is_keyframe=key, is_discard=hidden) for pts, _, key, hidden in rows]
    for made, (_, dts, _, _) in zip(packets, rows, strict=True):
        made.dts = dts
    timeline = read(packets)
    assert (np.diff(timeline.ticks) > 0).all()
    assert len(set(timeline.marks.tolist())) == len(timeline.ticks)
    told = timeline.hidden + timeline.duplicates + timeline.untimed
    assert len(timeline.ticks) + told == len(packets)


instants = st.lists(st.integers(0, 30), max_size=12, unique=True).map(sorted)


@given(instants, instants, st.integers(-(SAME_INSTANT_NS // 2), SAME_INSTANT_NS // 2))
def test_tracks_are_aligned_to_within_a_millisecond(
    mine: list[int], other: list[int], off: int
) -> None:
    own = np.array(mine, np.int64) * 10_000_000 + off
    reference = np.array(other, np.int64) * 10_000_000
    if not len(own):
        return
    moved = aligned(own, reference)
    assert (np.diff(moved) > 0).all() and (np.abs(moved - own) < SAME_INSTANT_NS).all()
    assert set(reference.tolist()) & set(moved.tolist()) == {
        10_000_000 * k for k in set(mine) & set(other)
    }
