"""What the routes of a clip answer, and how: facts, marks, signals, pictures, dense layers."""

import io
import json
import shutil
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dashboard.routes import losses as losses_route
from ingest.schemas import CLIPS
from ridealong.errors import NotInstalledError
from ridealong.lake import Lake

CLIP, RUN = "c1ip", "run1"  # as in conftest.py
ROAD = 1  # the bit of the first layer seen from above


def texture(answer: Any) -> tuple[dict[str, Any], Any]:
    assert answer.status_code == 200, answer.text
    line, packed = answer.content.split(b"\n", maxsplit=1)
    header = json.loads(line)
    shape = (header["frames"], header["height"], header["width"])
    return header, np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape)


def test_the_facts_of_a_clip(server: Any) -> None:
    facts = server.get("clip.json").json()
    assert (facts["clip"], facts["drive"], facts["run"]) == (CLIP, "drive-<b>1</b>", RUN)
    assert facts["seconds"] == 2.0 and facts["middle_s"] == 1.0 and len(facts["frames"]) == 10
    assert [(e["trigger"], e["t"], e["onset_t"]) for e in facts["events"]] == [("<i>brake", 0.2, 0)]
    cameras = {one["name"]: one for one in facts["cameras"]}
    assert cameras["main"]["start_s"] == 0 and cameras["rear"]["start_s"] == 0.2
    assert cameras["main"]["video"] and cameras["main"]["rate_hz"] == 5
    assert not cameras["wide"]["video"] and "masked" in cameras["wide"]["why"]
    assert facts["layers"] == ["labels", "deployed", "candidate"]
    assert facts["networks"] == {"deployed": "hydra-1.0", "candidate": "hydra-1.1"}
    assert {"prediction": "bev/road", "metrics": ["iou", "jitter", "disagreement"],
            "camera": None, "task": "bev", "dense": True} in facts["predictions"]  # fmt: skip
    assert facts["dense"]["bev"]["layers"][0]["name"] == "road"
    assert facts["signals"] == [{"name": "Vehicle.Speed", "unit": "km/h", "default": True}]
    assert facts["why"] is None and facts["telemetry"]


def test_marks_say_what_counts_what_is_alone_and_what_was_lost(server: Any) -> None:
    def marks(layer: str, **more: Any) -> Any:
        return server.get("marks.json", layer=layer, run=RUN, **more).json()

    own = marks("candidate", **{"from": 0, "to": 0.2})
    assert own["times"] == [0.0] and own["step_s"] == 0.2
    columns = own["marks"]
    assert [own["names"]["category"][at] for at in columns["category"]] == ["car", "car"]
    assert columns["box"] == [[5, 5, 15, 15], [50, 5, 60, 15]]
    assert columns["alone"] == [0, 1] and columns["lost"] == [0, 1]  # it is not labelled either
    assert marks("labels", **{"from": 0, "to": 0.2})["marks"]["lost"] == [0, 1]
    assert marks("deployed", **{"from": 0, "to": 0.2})["marks"]["lost"] == [0, 0]
    assert sum(marks("candidate", **{"from": 0.2, "to": 1})["marks"]["lost"]) == 0  # no labels
    deeper = marks("candidate", deeper=1, **{"from": 0, "to": 0.2})["marks"]
    assert len(deeper["below"]) == 3 and sum(below is not None for below in deeper["below"]) == 1
    without = server.get("marks.json", layer="labels").json()["marks"]
    assert len(without["frame"]) == 4 and sum(without["lost"]) == 0
    assert marks("candidate", **{"from": 99})["marks"]["box"] == []


def test_a_signal_is_its_own_samples(server: Any) -> None:
    found = server.get("signal.json", name="Vehicle.Speed").json()
    assert found["unit"] == "km/h" and found["times"][:2] == [0, 0.2]
    assert found["values"][:3] == [50, None, 50]


def test_dense_layers(server: Any, inference: Any) -> None:
    window = {"run": RUN, "from": 0, "to": 1}

    def get(layer: str, place: str, **more: Any) -> Any:
        return texture(server.get(f"dense/{layer}/{place}.bin", **window, **more))

    header, road = get("deployed", "bev/top")
    assert header["kind"] == "layers" and header["times"] == [0, 0.2, 0.4, 0.6, 0.8]
    assert (road[0, :, :4] == ROAD).all() and not road[0, :, 4:].any()
    assert not get("candidate", "bev/top")[1].any()
    assert (get("difference", "bev/top")[1] == road).all()
    header, lost = get("lost", "bev/top")
    assert header["times"] == [0] and (lost == road[:1]).all()
    assert (get("labels", "bev/top")[1] == road[:1]).all()
    assert get("candidate", "segmentation/main")[1].max() == 0
    assert (get("lost", "segmentation/main", category="sky")[1] == 1).all()  # missed
    assert not get("lost", "segmentation/main", category="person")[1].any()
    header, depth = get("labels", "depth/main")
    assert header["kind"] == "depth" and (depth == round(10 / 80 * 254)).all()
    header, nearer = get("difference", "depth/main")
    assert "factor of 1.25" in header["rule"] and (nearer == 1).all()
    assert (get("lost", "depth/main")[1] == 2).all()  # too near
    assert inference.frames == [5]  # once, for all layers, tasks and cameras
    assert texture(server.get("dense/lost/bev/top.bin", **window | {"from": 9, "to": 99}))[0][
        "frames"
    ] == 0  # fmt: skip


def test_pictures(server: Any) -> None:
    def picture(**parameters: Any) -> Any:
        answer = server.get("thumb.jpg", **parameters)
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)

    plain = picture(t=1, w=128)
    assert plain.shape == (96, 128, 3)
    drawn = picture(t=1, w=128, run=RUN, layer="candidate")
    assert (np.abs(plain - drawn).max(axis=2) > 60).sum() > 50
    assert picture(t=1e300).shape[1] == 320
    red = np.array([255, 72, 72])
    for layer, missed in (("deployed", False), ("candidate", True)):
        above = picture(t=1, w=320, run=RUN, layer=layer, prediction="bev/road")
        assert above.shape == (320, 320, 3)
        assert bool((np.abs(above - red).max(axis=2) < 40).any()) is missed


def test_losses_of_frames(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shares:
        def __init__(self, outputs: Any, cells: Any) -> None:
            pass

        def share(self, clip: Any) -> float:
            return 0.5

        def shares(self, clip: Any) -> dict[int, float]:
            return {int(clip["start_ns"]): -0.1, int(clip["start_ns"]) + 10**9: 0.6}

    monkeypatch.setattr(losses_route, "FrameLosses", Shares)
    asked = {"run": RUN, "prediction": "bev/road"}
    found = server.get("losses.json", metric="iou", **asked).json()
    assert found == {"camera": None, "share": 0.5, "times": [0, 1], "shares": [-0.1, 0.6],
                     "why": None, "costliest_t": 1}  # fmt: skip
    other = server.get("losses.json", metric="disagreement", **asked).json()
    assert other["times"] == [] and "it says where to look" in other["why"]
    unknown = server.get("losses.json", metric="iou", slice="light=night", **asked)
    assert unknown.status_code == 404 and "no cell bev/road iou at light=night" in unknown.text


def test_an_answer_is_compressed_and_asked_for_once(server: Any) -> None:
    first = server.get("marks.json", layer="deployed", run=RUN)
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["cache-control"] == "private, max-age=3600"
    tag = {"If-None-Match": first.headers["etag"]}
    again = server.get("marks.json", layer="deployed", run=RUN, headers=tag)
    assert again.status_code == 304 and not again.content
    plain = server.get("marks.json", layer="deployed", run=RUN, headers={"Accept-Encoding": "br"})
    assert "content-encoding" not in plain.headers and plain.json() == first.json()
    assert server.get("clip.json").headers["cache-control"] == "private, max-age=0"


def test_two_browsers_infer_once_and_others_are_answered_meanwhile(
    server: Any, inference: Any
) -> None:
    inference.may_go.clear()
    answers: list[Any] = []

    def ask(place: str) -> None:
        answers.append(server.get(f"dense/deployed/{place}.bin", run=RUN, **{"to": 1}))

    asking = [threading.Thread(target=ask, args=(one,)) for one in ("bev/top", "depth/main")]
    for one in asking:
        one.start()
    assert server.get("marks.json", layer="candidate", run=RUN).status_code == 200
    assert not answers
    inference.may_go.set()
    for one in asking:
        one.join(20)
    assert [one.status_code for one in answers] == [200, 200] and inference.frames == [5]


BAD = {
    "no layer": (400, "marks.json", {"run": RUN}, "the request has no 'layer'"),
    "no run": (400, "marks.json", {"layer": "candidate"}, "no 'run'"),
    "unknown layer": (404, "marks.json", {"layer": "<b>"}, "unknown layer '<b>'"),
    "unknown run": (404, "clip.json", {"run": "<i>no"}, "unknown run '<i>no'"),
    "no number": (400, "marks.json", {"layer": "labels", "from": "nan"}, "from is 'nan'"),
    "endless": (400, "marks.json", {"layer": "labels", "to": "inf"}, "to is 'inf'"),
    "unknown signal": (404, "signal.json", {"name": "Vehicle.Sped"}, "did you mean"),
    "no signal": (404, "signal.json", {"name": "drive_id"}, "unknown signal"),
    "unknown camera": (404, "thumb.jpg", {"camera": "x"}, "no camera 'x'"),
    "no width": (400, "thumb.jpg", {"w": 1e9}, "expected 16 to 1920"),
    "unknown prediction": (
        404, "thumb.jpg", {"run": RUN, "layer": "deployed", "prediction": "<u>"}, "<u>",
    ),
    "no texture": (404, "dense/deployed/bev/main.bin", {"run": RUN}, "no bev of the camera"),
    "unknown task": (404, "dense/deployed/x/main.bin", {"run": RUN}, "unknown task 'x'"),
    "no such camera": (404, "dense/deployed/depth/rear.bin", {"run": RUN}, "has no depth"),
    "no label": (404, "dense/labels/depth/rear.bin", {}, "the label has no depth"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case: str, server: Any) -> None:
    status, path, parameters, said = BAD[case]
    answer = server.get(path, **parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "text/plain; charset=utf-8",
    )
    assert said in answer.text and "\n" not in answer.text


def test_without_torch_the_extra_is_named(server: Any, inference: Any) -> None:
    inference.error = NotInstalledError("this needs the extra 'networks'")
    answer = server.get("dense/deployed/bev/top.bin", run=RUN)
    assert answer.status_code == 404 and "the extra 'networks'" in answer.text
    assert server.get("marks.json", layer="deployed", run=RUN).status_code == 200


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_a_clip_without_its_file_has_facts_and_signals(
    damage: str, clip_home: Path, tmp_path: Path, serving: Any
) -> None:
    home = tmp_path / "home"
    shutil.copytree(clip_home, home)
    (row,) = Lake.open(home).snapshot().read(CLIPS).to_pylist()
    blob = Lake.open(home).path(row["blob"])
    if damage == "gone":
        blob.unlink()
    else:
        blob.write_bytes(b"no clip" * 100)
    server = serving(home)
    facts = server.get("clip.json").json()
    assert facts["why"].startswith("the file is ") and str(home) not in facts["why"]
    assert all(one["why"] and not one["video"] for one in facts["cameras"])
    assert [one["name"] for one in facts["cameras"]] == ["main", "rear"]
    assert server.get("signal.json", name="Vehicle.Speed").json()["values"][0] == 50
    for path in ("main.mp4", "marks.json?layer=labels", "thumb.jpg", "dense/labels/bev/top.bin"):
        name, _, query = path.partition("?")
        answer = server.get(name, **dict([query.split("=")] if query else []))
        assert answer.status_code == 404 and "\n" not in answer.text
        assert "`ridealong lake check`" in answer.text and str(home) not in answer.text
