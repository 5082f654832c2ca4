"""Small result files in every format, for the commands of docs/predictions.md."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather

from tests.data.predictions import CLASSES, example
from tests.oracles.kitti_scenes import write_scenes
from tests.oracles.nuscenes_world import VERSION, write_submission, write_world


def write_every_format(folder: Path) -> dict[str, str]:
    """Write them; gives the path of each name that the page uses."""
    bdd100k, kitti, mot, nuscenes, argoverse2 = (
        folder / name for name in ("bdd100k", "kitti", "mot", "nuscenes", "argoverse2")
    )
    for one in (bdd100k, kitti, mot, nuscenes, argoverse2):
        one.mkdir(parents=True)
    _bdd100k(bdd100k)
    _kitti(kitti)
    _mot(mot)
    world = write_world(nuscenes, scenes=8, samples=4)
    for seed, name in enumerate(("a.json", "b.json")):
        write_submission(world, nuscenes / name, seed=seed)
    _argoverse2(argoverse2)
    return {
        "det_val.json": str(bdd100k / "truth.json"),
        "det_a.json": str(bdd100k / "deployed.json"),
        "det_b.json": str(bdd100k / "candidate.json"),
        "training/label_2": str(kitti / "label_2"),
        "results_a/data": str(kitti / "deployed"),
        "results_b/data": str(kitti / "candidate"),
        "MOT17/train": str(mot / "train"),
        "trackers/a": str(mot / "a"),
        "trackers/b": str(mot / "b"),
        "v1.0-trainval": str(nuscenes / VERSION),
        "submission_a.json": str(nuscenes / "a.json"),
        "submission_b.json": str(nuscenes / "b.json"),
        "annotations.feather": str(argoverse2 / "annotations.feather"),
        "detections_a.feather": str(argoverse2 / "a.feather"),
        "detections_b.feather": str(argoverse2 / "b.feather"),
    }


def _bdd100k(folder: Path) -> None:
    """The example of COCO, as frames with labels."""
    files = example()
    images = {image["id"]: image for image in files["truth.json"]["images"]}
    names = list(CLASSES)
    for role, boxes in (
        ("truth", files["truth.json"]["annotations"]),
        ("deployed", files["deployed.json"]),
        ("candidate", files["candidate.json"]),
    ):
        labels: dict[int, list[dict]] = {at: [] for at in images}
        for number, box in enumerate(boxes):
            left, top, width, height = box["bbox"]
            corners = {"x1": left, "y1": top, "x2": left + width, "y2": top + height}
            about = {"id": str(number), "category": names[box["category_id"] - 1]}
            score = {"score": box["score"]} if role != "truth" else {}
            labels[box["image_id"]].append({**about, **score, "box2d": corners})
        frames = [
            {"name": image["file_name"], "videoName": str(image["video_id"])}
            | {"frameIndex": image["frame_id"], "labels": labels[at]}
            | {"attributes": {"weather": image["weather"], "timeofday": image["light"]}}
            for at, image in images.items()
        ]
        (folder / f"{role}.json").write_text(json.dumps(frames))


def _kitti(folder: Path) -> None:
    _, results = write_scenes(folder, 12, seed=4)
    shutil.copytree(results, folder / "deployed")
    shutil.copytree(results, folder / "candidate")
    for file in (folder / "candidate").iterdir():
        file.write_text("".join(line + "\n" for line in file.read_text().splitlines()[::2]))


def _mot(folder: Path) -> None:
    for number in range(8):
        rng = np.random.default_rng(number)
        name = f"MOT17-{number + 1:02d}"
        rows = [
            (frame, track, 50 * track + 4 * frame, 100, 40, 90)
            for frame in range(1, 21)
            for track in range(1, 5)
        ]
        truth = folder / "train" / name
        (truth / "gt").mkdir(parents=True)
        text = "".join(f"{','.join(map(str, row))},1,1,1\n" for row in rows)
        (truth / "gt" / "gt.txt").write_text(text)
        (truth / "seqinfo.ini").write_text(f"[Sequence]\nname={name}\nframeRate=25\nseqLength=20\n")
        for network, found in (("a", 0.9), ("b", 0.8)):
            (folder / network).mkdir(exist_ok=True)
            kept = [row for row in rows if rng.random() < found]
            text = "".join(f"{','.join(map(str, row))},0.9,-1,-1,-1\n" for row in kept)
            (folder / network / f"{name}.txt").write_text(text)


def _argoverse2(folder: Path) -> None:
    rng = np.random.default_rng(0)
    count = 8 * 5 * 6  # logs, sweeps, objects
    log, sweep = np.arange(count) // 30, np.arange(count) // 6 % 5
    names = pa.array(["REGULAR_VEHICLE", "PEDESTRIAN", "BICYCLE"]).take(np.arange(count) % 3)
    place = rng.uniform(-60, 60, (count, 2))
    for name, noise_m in (("annotations", 0.0), ("a", 0.4), ("b", 0.6)):
        moved = place + noise_m * rng.normal(size=place.shape)
        columns = {
            "log_id": pa.array([f"log-{number}" for number in log.tolist()]),
            "timestamp_ns": 10**9 + sweep * 10**8,
            "category": names,
            "tx_m": moved[:, 0],
            "ty_m": moved[:, 1],
            "tz_m": np.zeros(count),
            "length_m": np.full(count, 4.0),
            "width_m": np.full(count, 2.0),
            "height_m": np.full(count, 1.6),
            "qw": np.ones(count),
            "qx": np.zeros(count),
            "qy": np.zeros(count),
            "qz": np.zeros(count),
        }
        more = {"score": rng.random(count)} if noise_m else {"num_interior_pts": np.full(count, 9)}
        pa.feather.write_feather(pa.table(columns | more), folder / f"{name}.feather")
