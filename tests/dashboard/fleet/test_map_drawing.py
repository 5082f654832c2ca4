"""What the map of the page Fleet draws, computed by hand."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dashboard.fleet.map_drawing import HEIGHT_PX, WIDTH_PX, map_drawing
from dashboard.fleet.map_queries import Some

TRACK = {
    "drive_id": "d", "vehicle": "v", "light": "day", "points": [(0.0, 0.0), (0.0, 1000.0)],
}  # fmt: skip
TOWN = {"kind": "street", "width_m": 6.6, "points": [(-500.0, 0.0), (500.0, 1000.0)]}
PX_PER_M = (HEIGHT_PX - 24) / 1000


def event(trigger: str, outcome: str = "kept", **place: Any) -> dict[str, Any]:
    known = {"trigger": trigger, "outcome": outcome, "drive": "d", "time_s": 1.25, "href": None}
    return known | {"x": 0.0, "y": 500.0} | place


def drawing(
    *,
    roads: Sequence[Mapping[str, Any]] = (TOWN,),
    tracks: Sequence[Mapping[str, Any]] = (TRACK,),
    events: Sequence[Mapping[str, Any]] = (),
    triggers: Sequence[str] = ("a", "b", "c"),
) -> dict[str, Any]:
    some, more = (Some([dict(row) for row in rows], len(rows)) for rows in (tracks, events))
    return map_drawing(roads, some, more, triggers, lambda row: row["href"])


def test_north_is_up_and_both_axes_have_one_scale() -> None:
    drawn = drawing()
    assert drawn["size"] == [500, 500]
    assert drawn["metres"] == pytest.approx(500 / PX_PER_M, abs=0.001)
    assert drawn["tracks"] == [["drive d, vehicle v, light day", "M250 488 250 12"]]


def test_a_wide_area_is_as_wide_as_the_room() -> None:
    road = TOWN | {"points": [(0.0, 0.0), (4000.0, 1000.0)]}
    width, height = drawing(roads=[road], tracks=[])["size"]
    assert width == WIDTH_PX and height == pytest.approx(24 + (WIDTH_PX - 24) / 4)


def test_roads_of_a_kind_and_width_are_one_path_below_highways() -> None:
    roads = [TOWN, TOWN | {"kind": "highway", "width_m": 11.1}, TOWN | {"points": [(0, 0), (9, 9)]}]
    (street, wide, line), highway = drawing(roads=roads)["roads"]
    assert (street, highway[0]) == ("street", "highway") and line.count("M") == 2
    assert wide == round(1.4 * 6.6 * PX_PER_M, 2) < highway[1] < 10


def test_a_narrow_road_is_seen() -> None:
    ((_, width, _),) = drawing(roads=[TOWN | {"width_m": 0.5}])["roads"]
    assert width == 2


@pytest.mark.parametrize("tracks", [(), (TRACK | {"points": [(5.0, 5.0)]},)])
def test_what_has_no_extent_is_drawn_in_the_middle(tracks: Sequence[Mapping[str, Any]]) -> None:
    drawn = drawing(roads=[], tracks=tracks)
    assert drawn["size"] == [500, 500] and drawn["metres"] == pytest.approx(105, abs=0.1)
    assert [line for _, line in drawn["tracks"]] == ["M250 250"] * len(tracks)


def test_kept_events_lie_above_suppressed_ones_and_move_least() -> None:
    events = [event("b", "cooldown"), event("a"), event("b"), event("c", y=800.0)]
    drawn = drawing(events=events)
    rows = drawn["events"]
    assert drawn["outcomes"] == ["kept", "in the cooldown"]
    assert [row[3] for row in rows] == [1, 0, 0, 0]
    assert min(math.dist(p[:2], q[:2]) for at, p in enumerate(rows) for q in rows[:at]) > 9.5
    names = [drawn["triggers"][row[2]][0] for row in rows]
    assert names == ["b", "c", "b", "a"]
    assert rows[1][:2] == [250, 107.2] and rows[3][:2] == [250, 250]  # they had room


def test_an_event_has_a_link_if_a_clip_shows_it() -> None:
    drawn = drawing(events=[event("a", href="/clip?clip=x&t=3.00"), event("b", "cooldown")])
    assert [row[4:] for row in drawn["events"]] == [[0, 1.2, None], [0, 1.2, "/clip?clip=x&t=3.00"]]
    assert drawn["drives"] == ["d"]


def test_a_trigger_keeps_its_colour_when_others_are_not_shown() -> None:
    def colours(*shown: str) -> dict[str, int]:
        return {name: at for name, at in drawing(events=list(map(event, shown)))["triggers"]}

    assert colours("a", "b", "c") == {"a": 0, "b": 1, "c": 2}
    assert colours("c") == {"c": 2}


def test_it_says_what_is_left_out() -> None:
    tracks, events = Some([TRACK], 2), Some([event("a")], 1_600)
    said = map_drawing([], tracks, events, ["a"], lambda _: None)["said"]
    assert "1,600 events fit; 1 are drawn. Choose fewer days or vehicles." in said
    assert "2 drives fit; 1 are drawn." in said and "No road map is known here" in said
    assert "fit" not in drawing()["said"]


def test_a_choice_without_drives_leaves_the_roads() -> None:
    drawn = drawing(tracks=[])
    assert drawn["roads"] and drawn["said"] == "No drive in this area fits these filters."
    assert drawn["about"] == "Map of 0 drives with 0 events"


def test_the_key_tells_drawings_apart() -> None:
    assert drawing()["key"] == drawing()["key"] != drawing(events=[event("a")])["key"]
