"""The parts of scoring result files: names, slices, blocks of time, hashes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from ridealong.errors import RidealongError
from ridealong.perception.result_files import Frames
from shadow.judged import Scope
from shadow.results.clusters import clusters_of
from shadow.results.hashes import content_sha256
from shadow.results.names import network_names
from shadow.results.slices import slices_of


def frames(drives: list[str], time_s: object = np.nan, **attributes: list[str | None]) -> Frames:
    count = len(drives)
    return Frames(
        name=pa.array([f"{at}" for at in range(count)]),
        drive=pa.array(drives),
        time_s=np.broadcast_to(np.asarray(time_s, np.float64), count),
        image=pa.nulls(count, pa.string()),
        attributes=pa.table({name: pa.array(v, pa.string()) for name, v in attributes.items()}),
    )


@pytest.mark.parametrize(
    ("deployed", "candidate", "names"),
    [
        ("/a/x.json", "/a/y.json", ("x.json", "y.json")),
        ("/v1/out.json", "/v2/out.json", ("v1/out.json", "v2/out.json")),
        ("/v1/a/out.json", "/v2/a/out.json", ("v1/a/out.json", "v2/a/out.json")),
        ("/a/x.json", "/a/x.json", ("x.json", "x.json")),
    ],
)
def test_networks_are_named_by_the_shortest_ends_that_differ(
    deployed: str, candidate: str, names: tuple[str, str]
) -> None:
    assert network_names(Path(deployed), Path(candidate)) == names


def test_which_attributes_are_slices() -> None:
    drives = [f"d{number // 2}" for number in range(8)]
    found = frames(
        drives,
        weather=["rain", "sun", "rain", "sun", None, None, None, None],
        constant=["x"] * 8,
        name_of_drive=drives,
        in_one_drive=["a", "a", "b", "b", "b", "b", "b", "b"],
        number=["1", "2"] * 4,
        drive_id=["x", "y"] * 4,
        **{"": ["x", "y"] * 4},  # no slice can name it
    )
    assert slices_of(found, None) == ("weather",)
    assert slices_of(found, ["number", "number"]) == ("number",)
    with pytest.raises(RidealongError, match=r"no field 'wether'.*did you mean 'weather'"):
        slices_of(found, ["wether"])
    with pytest.raises(RidealongError, match="no field 'drive_id'"):
        slices_of(found, ["drive_id"])


def test_several_drives_are_clusters() -> None:
    found = clusters_of(frames(["a", "b", "a"]), "videoName", 5.0)
    assert (found.scope, found.drives, found.text) == (Scope.DRIVES, 2, "videoName")
    assert found.names.to_pylist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("count", "time_s", "rate_hz", "sizes"),
    [
        (100, np.arange(100) / 5, None, [10] * 10),  # 20 s: ten blocks of 2 s
        (100, np.nan, 5.0, [10] * 10),
        (500, np.arange(500.0), None, [25] * 20),  # 500 s: at most twenty blocks
        (71, np.nan, 25.0, [71]),  # 2.84 s
        (100, np.nan, None, [10] * 10),  # of equal length
        (7, np.nan, None, [7]),
        (20, np.zeros(20), 1.0, [2] * 10),  # time stamps that say nothing
    ],
)
def test_one_drive_is_cut_into_blocks(
    count: int, time_s: object, rate_hz: float | None, sizes: list[int]
) -> None:
    found = clusters_of(frames(["d"] * count, time_s), "sequence", rate_hz)
    assert found.scope is Scope.WITHIN_DRIVE
    names = found.names.to_pylist()
    assert names == sorted(names)
    assert [names.count(name) for name in dict.fromkeys(names)] == sizes


def test_a_folder_is_its_files(tmp_path: Path) -> None:
    for name, text in (("one/a.txt", "a"), ("one/b/c.txt", "c"), ("two/b/c.txt", "c")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = content_sha256(tmp_path / "one")
    assert before != content_sha256(tmp_path / "two")
    (tmp_path / "two/a.txt").write_text("a")
    assert before == content_sha256(tmp_path / "two")
    with pytest.raises(RidealongError, match="no such file"):
        content_sha256(tmp_path / "three")
