"""Result files with boxes, from the files to a verdict."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from metrics.gate.spec import GateSpec, RequiredCell
from ridealong.lake import Lake
from shadow.results.gate import empty_slices
from tests.oracles.nuscenes_world import VERSION, write_submission, write_world

DRIVES, IMAGES = 20, 2
NAMES = ("car", "traffic light/red@x")
Score = Callable[..., tuple[int, Any, str]]


def box(image: int, category: int, place: int) -> dict[str, Any]:
    return {
        "image_id": image, "category_id": category, "bbox": [60.0 * place, 10.0, 40.0, 40.0],
    }  # fmt: skip


def labels(with_drives: bool = True) -> dict[str, Any]:
    """Two labels of each class in each image; every other drive is in the rain."""
    images = []
    for number in range(DRIVES * IMAGES):
        drive = number // IMAGES
        video = {"video_id": drive} if with_drives else {}
        images.append(
            {"id": number + 1, "file_name": f"{number:03}.jpg", "width": 640, "height": 480,
             "weather": ("rain", "sun")[drive % 2], **video}
        )  # fmt: skip
    boxes = [
        box(image["id"], category, 2 * category + at)
        for image in images
        for category in (1, 2)
        for at in range(2)
    ]
    annotations = [
        {**one, "id": number, "area": 1600.0, "iscrowd": 0} for number, one in enumerate(boxes, 1)
    ]
    categories = [{"id": at, "name": name} for at, name in enumerate(NAMES, 1)]
    return {"images": images, "annotations": annotations, "categories": categories}


def results(lost: Callable[[int, int], bool], score: float = 0.9) -> list[dict[str, Any]]:
    """Every label is found, except the second one of a class in the images that are lost."""
    return [
        {**box(image, category, 2 * category + at), "score": score}
        for image in range(1, DRIVES * IMAGES + 1)
        for category in (1, 2)
        for at in range(2)
        if at == 0 or not lost(image - 1, category)
    ]


def nothing(image: int, category: int) -> bool:
    return False


def red_in_the_rain(image: int, category: int) -> bool:
    return category == 2 and (image // IMAGES) % 2 == 0


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {
        "truth.json": labels(),
        "alone.json": labels(with_drives=False),
        "good.json": results(nothing),
        "bad.json": {"annotations": results(red_in_the_rain)},
        "weak.json": results(nothing, score=0.3),
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    return {name.removesuffix(".json"): tmp_path / name for name in contents}


@pytest.fixture
def score(home: Path, program: Any, files: dict[str, Path]) -> Score:
    def run(deployed: str, candidate: str, *more: object, truth: str = "truth") -> Any:
        done = program(
            "--home", home, "shadow", "score", "--format", "coco", "--json",
            "--truth", files[truth], "--deployed", files[deployed],
            "--candidate", files[candidate], *more,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr, done.stderr

    return run


def cells(document: Any, **wanted: Any) -> list[Any]:
    return [
        cell
        for cell in document["cells"]
        if all(cell[name] == value for name, value in wanted.items())
    ]


def test_a_class_that_is_lost_in_the_rain(score: Score) -> None:
    code, document, _ = score("good", "bad")
    assert (code, document["verdict"]) == (1, "REGRESSED")
    assert (document["drives"], document["slices"]) == (DRIVES, ["weather"])
    assert list(document["metrics"]["deployed"])[:3] == ["AP", "AP50", "AP75"]
    assert document["metrics"]["deployed"]["AP"] == 1
    assert document["threshold"]["text"] == "0.5"
    required = cells(document, required=True)
    assert [(c["prediction"], c["metric"], c["slice"], c["verdict"]) for c in required] == [
        ("objects/car", "ap", "all", "PASS"),
        ("objects/traffic light/red@x", "ap", "all", "REGRESSED"),
    ]
    assert required[1]["because_of"] == "weather=rain"
    recall = cells(document, prediction=NAMES[1], metric="recall", slice="weather=rain")
    assert recall == []
    (recall,) = cells(
        document, prediction="objects/traffic light/red@x", metric="recall", slice="weather=rain"
    )
    assert (recall["deployed"], recall["candidate"]) == (1, 0.5)


def test_the_costliest_frames_are_exported_with_their_images(
    home: Path, tmp_path: Path, files: dict[str, Path], program: Any, score: Score
) -> None:
    score("good", "bad")
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for number in range(0, DRIVES * IMAGES, 2):
        (images / f"{number:03}.jpg").write_bytes(b"picture")

    def export() -> Any:
        return program(
            "--home", home, "labels", "export", "--run", "latest", "--limit", "4", "--format",
            "coco", "--images", images, "--out", out, "--json",
        )  # fmt: skip

    done = export()
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    there = [int(item["item"][:3]) % 2 == 0 for item in document["shares"]]
    assert (document["items"], document["pictures"]) == (4, sum(there))
    assert len(document["without_picture"]) == 4 - sum(there)
    content = json.loads((out / "annotations" / "instances_default.json").read_text())
    assert [image["file_name"] for image in content["images"]] == [
        item["item"] for item in document["shares"]
    ]
    assert all(red_in_the_rain(int(i["file_name"][:3]), 2) for i in content["images"])
    assert len(content["annotations"]) == 16
    found = {
        role: json.loads((out / "results" / f"{role}.json").read_text())
        for role in ("deployed", "candidate")
    }
    assert {role: len(boxes) for role, boxes in found.items()} == {"deployed": 16, "candidate": 12}
    files["bad"].write_text(json.dumps(results(nothing)))
    done = export()
    assert done.returncode == 2
    assert "has changed since the run" in done.stderr


def test_scores_are_stored_once_and_thresholds_apart(home: Path, score: Score) -> None:
    _, first, _ = score("good", "weak")
    rows = Lake.open(home).snapshot().read("scores").num_rows
    _, again, _ = score("good", "weak")
    assert Lake.open(home).snapshot().read("scores").num_rows == rows
    assert {**again, "run": None} == {**first, "run": None}
    (f1,) = cells(first, prediction="objects/car", metric="f1", slice="all")
    assert (f1["candidate"], first["metrics"]["candidate"]["AP"]) == (0, 1)
    _, lower, _ = score("good", "weak", "--threshold", "0.2")
    (f1,) = cells(lower, prediction="objects/car", metric="f1", slice="all")
    assert (f1["candidate"], lower["threshold"]["text"]) == (1, "0.2")
    assert lower["metrics"] == first["metrics"]
    assert Lake.open(home).snapshot().read("items").num_rows == DRIVES * IMAGES


def test_thresholds_by_class_and_network(tmp_path: Path, score: Score) -> None:
    path = tmp_path / "thresholds.yaml"
    path.write_text("{deployed: {default: 0.95}, candidate: {car: 0.1}}")
    _, document, told = score("good", "good", "--threshold", path)
    (f1,) = cells(document, prediction="objects/car", metric="f1", slice="all")
    assert (f1["deployed"], f1["candidate"]) == (0, 1)
    assert not document["against_itself"]
    assert "have the same content" in told
    for text, message in (
        ("{cars: 0.5}", "there is no class 'cars'; did you mean 'car'?"),
        ("{car: high}", "the threshold of car is 'high'; expected a number"),
        ("{deployed: 0.4, candidate: high}", "the threshold of default is 'high'; expected a"),
        ("{car: .nan}", "the threshold of car is nan; expected a finite number"),
        ("[1]", "expected a YAML mapping"),
    ):
        path.write_text(text)
        code, _, told = score("good", "good", "--threshold", path)
        assert code == 2
        assert message in told
    for given, message in (
        ("inf", "the threshold is inf; expected a finite number"),
        ("", "the threshold is ''; expected a number, or the path of a YAML file"),
        ("50%", "the threshold is '50%'; expected a number, or the path of a YAML file"),
    ):
        code, _, told = score("good", "good", "--threshold", given)
        assert (code, message in told) == (2, True)


def test_a_threshold_above_all_scores_is_refused(score: Score) -> None:
    code, _, told = score("good", "weak", "--threshold", "50")
    assert code == 2
    assert "no score of either file reaches its threshold (50); expected at most 0.9" in told


def changed(path: Path, change: Callable[[list[float]], list[float]]) -> None:
    """Change the boxes of a result file."""
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([row | {"bbox": change(row["bbox"])} for row in rows]))


def test_boxes_in_parts_of_the_image_are_refused(score: Score, files: dict[str, Path]) -> None:
    changed(files["good"], lambda box: [edge / 640 for edge in box])
    code, _, told = score("good", "good")
    assert code == 2
    assert (
        "good.json: the boxes look normalised: none reaches beyond pixel 0.53125; expected pixels"
        in told
    )


def test_boxes_with_corners_are_warned_of_and_never_pass(
    score: Score, files: dict[str, Path]
) -> None:
    # A label is as large as the place of the second box, so that most end beyond the image.
    changed(files["good"], lambda box: [box[0] + 400, box[1] + 300, box[0] + 440, box[1] + 340])
    code, document, told = score("good", "good")
    assert (code, document["verdict"]) == (1, "INCONCLUSIVE")
    assert "the deployed network finds next to nothing" in document["reason"]
    assert "deployed: 160 boxes have edges far beyond the image; check their format" in told


def test_an_empty_file_of_the_deployed_network_never_passes(
    score: Score, files: dict[str, Path], tmp_path: Path
) -> None:
    files["weak"].write_text("[]")
    gate = tmp_path / "gate.yaml"
    gate.write_text(
        "margins: {ece: 0.03}\nrequired: [{prediction: objects/car, metric: ap, margin: 0.1}]\n"
    )
    for more in ((), ("--gate", gate)):
        code, document, _ = score("weak", "good", *more)
        assert (code, document["verdict"]) == (1, "INCONCLUSIVE")
        assert document["reason"].endswith("finds next to nothing: check its file")


def test_a_class_that_never_reaches_its_threshold_is_named(score: Score, tmp_path: Path) -> None:
    path = tmp_path / "thresholds.yaml"
    path.write_text("{default: 0.5, car: 3}")
    code, document, told = score("good", "good", "--threshold", path)
    assert code == 0
    assert "deployed: 1 class has no score that reaches their threshold" in told
    assert [n["examples"] for n in document["notes"]] == [["car"], ["car"]]


def test_a_gate_with_slices_that_no_frame_is_in(score: Score, tmp_path: Path) -> None:
    gate = tmp_path / "gate.yaml"
    cell = "{prediction: objects/car, metric: ap, slice: weather=rian}"
    gate.write_text(f"margins: {{ap: 0.03}}\nrequired:\n  - {cell}\n")
    code, document, told = score("good", "good", "--gate", gate)
    assert (code, document["verdict"]) == (1, "INCONCLUSIVE")
    assert "warning: nothing has weather=rian; did you mean 'rain'?" in told
    gate.write_text(gate.read_text().replace("rian", "rain"))
    assert "nothing has" not in score("good", "good", "--gate", gate)[2]


def gate_at(where: str) -> GateSpec:
    cell = RequiredCell(prediction="objects/car", metric="ap", slice=where, margin=0.1)
    return GateSpec(required=(cell,))


def test_slices_of_several_conditions_of_flags_and_of_nothing() -> None:
    frames = pa.table({"light": ["day", "night"], "wet": [True, None]})
    assert empty_slices(gate_at("light=night"), frames) == []
    assert empty_slices(gate_at("wet=true"), frames) == []
    assert empty_slices(gate_at("light=night&wet=true"), frames) == [
        "nothing is in the required slice light=night&wet=true"
    ]
    # The frames of some formats have no attributes, and their table no rows.
    assert empty_slices(gate_at("all"), pa.table({})) == []


def test_images_without_drives_are_drives_of_their_own_and_the_report_says_so(
    score: Score,
) -> None:
    _, document, _ = score("good", "bad", truth="alone")
    assert document["drives"] == DRIVES * IMAGES
    assert document["drive_from"] == "each image"


def test_what_does_not_fit_is_refused(
    home: Path, tmp_path: Path, program: Any, files: dict[str, Path], score: Score
) -> None:
    def told(*arguments: object) -> str:
        done = program("--home", home, "shadow", "score", *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        return str(done.stderr)

    both = "--deployed", files["good"], "--candidate", files["bad"]
    truth = "--truth", files["truth"]
    assert "known: argoverse2, bdd100k, coco" in told("--format", "xyz", *both)
    device = told("--format", "coco", "--truth", "/dev/zero", *both)
    assert "/dev/zero: is a device; expected a regular file" in device
    assert "--format coco needs --truth" in told("--format", "coco", *both)
    assert "--format statistics has no --truth" in told("--format", "statistics", *truth, *both)
    assert "looks like COCO, not like statistics; did you mean --format coco?" in told(
        "--format", "statistics", *both
    )
    assert "looks like COCO, not like MOTChallenge" in told("--format", "mot", *truth, *both)
    for option in ("nan", "inf", "0", "-5"):
        assert "expected a number above 0" in told(
            "--format", "coco", *truth, *both, "--fps", option
        )
    assert "did you mean 'tracks'?" in told("--format", "coco", *truth, *both, "--task", "track")
    gate = tmp_path / "gate.yaml"
    gate.write_text("required: [{prediction: objects/bus, metric: ap, margin: 0.1}]")
    assert "unknown prediction 'objects/bus'" in told(
        "--format", "coco", *truth, *both, "--gate", gate
    )


def test_networks_that_find_nothing_in_space(home: Path, program: Any, tmp_path: Path) -> None:
    world = write_world(tmp_path, scenes=2, samples=2, objects=5)
    empty, far = (tmp_path / f"{name}.json" for name in ("empty", "far"))
    content = json.loads(write_submission(world, far).read_text("utf-8"))
    for boxes in content["results"].values():
        for one in boxes:
            one["translation"] = [1e5, 1e5, 0.0]
    far.write_text(json.dumps(content))
    empty.write_text(json.dumps({**content, "results": {key: [] for key in content["results"]}}))
    done = program(
        "--home", home, "shadow", "score", "--format", "nuscenes", "--json",
        "--truth", tmp_path / VERSION, "--deployed", empty, "--candidate", far,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["metrics"]["candidate"]["mAP"] == 0
    worst = cells(document, metric="ate", slice="all")
    assert {(cell["deployed"], cell["candidate"]) for cell in worst} == {(1, 1)}


@pytest.mark.real
@pytest.mark.parametrize(
    ("kind", "names", "known"),
    [
        (
            "bdd100k",
            ("bdd100k_det_oracle/track_sample_anns", "bdd100k_det_oracle/bbox_predictions"),
            {"AP": 0.340294, "AP50": 0.553239, "AP75": 0.349387},
        ),
        (
            "mot",
            ("mot_tud_campus/gt", "mot_tud_campus/test"),
            {"MOTA": 0.526462, "IDF1": 0.557659, "precision": 0.941441, "recall": 0.582173},
        ),
        (
            "argoverse2",
            tuple(
                f"av2_shadow_predictions/3bffdcff-c3a7-38b6-a0f2-64196d130958__{name}"
                for name in ("ground_truth", "predictions")
            ),
            {"recall@2m": 0.66600, "precision@2m": 0.26444, "AP@2m": 0.62317},
        ),
    ],
    ids=["bdd100k", "mot", "argoverse2"],
)
def test_known_numbers(
    home: Path, program: Any, test_data: Path, kind: str, names: tuple[str, str], known: Any
) -> None:
    suffix = {"bdd100k": ".json", "mot": ".txt", "argoverse2": ".parquet"}[kind]
    truth, found = (test_data / f"{name}{suffix}" for name in names)
    done = program(
        "--home", home, "shadow", "score", "--format", kind, "--json", "--truth", truth,
        "--deployed", found, "--candidate", found,
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert (done.returncode, document["verdict"]) == (1, "INCONCLUSIVE")
    assert document["scope"] == "within-drive"
    summary = document["metrics"]["candidate"]
    assert {name: summary[name] for name in known} == pytest.approx(known, abs=1e-5)
