"""Made-up tables by nuScenes' published schema, and submissions about them, from a seed.

The rule: in each scene the vehicle drives at 8 m/s for a number of samples, 2 a second. Objects of
all categories start within 70 m by 50 m of it, move at the speed of their kind, and are annotated
for a run of samples. Some have no points, some have no attribute, and some bicycles are in racks.
A submission has most of them, displaced, with some classes, headings and attributes wrong, and
boxes where nothing is.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VERSION = "v1.0-trainval"
SPLIT = "all"  # of splits.json, which the devkit reads

# Category: share of the objects, size w l h in metres, speed in m/s.
KINDS = {
    "vehicle.car": (0.36, (1.9, 4.6, 1.7), 5),
    "vehicle.truck": (0.07, (2.5, 6.9, 2.8), 5),
    "vehicle.bus.rigid": (0.03, (2.9, 11.0, 3.4), 5),
    "vehicle.bus.bendy": (0.01, (2.9, 18.0, 3.4), 5),
    "vehicle.trailer": (0.03, (2.9, 12.0, 3.9), 3),
    "vehicle.construction": (0.02, (2.8, 6.4, 3.2), 1),
    "human.pedestrian.adult": (0.2, (0.7, 0.7, 1.8), 1),
    "human.pedestrian.child": (0.02, (0.5, 0.5, 1.3), 1),
    "vehicle.motorcycle": (0.04, (0.8, 2.1, 1.5), 4),
    "vehicle.bicycle": (0.05, (0.6, 1.7, 1.3), 2),
    "movable_object.trafficcone": (0.07, (0.4, 0.4, 1.1), 0),
    "movable_object.barrier": (0.06, (2.5, 0.5, 1.0), 0),
    "static_object.bicycle_rack": (0.02, (4.0, 8.0, 2.0), 0),
    "animal": (0.02, (0.4, 0.8, 0.5), 1),
}
CLASSES = {
    "vehicle.bus.rigid": "bus", "vehicle.bus.bendy": "bus", "vehicle.car": "car",
    "vehicle.construction": "construction_vehicle", "vehicle.trailer": "trailer",
    "vehicle.truck": "truck", "vehicle.motorcycle": "motorcycle", "vehicle.bicycle": "bicycle",
    "human.pedestrian.adult": "pedestrian", "human.pedestrian.child": "pedestrian",
    "movable_object.trafficcone": "traffic_cone", "movable_object.barrier": "barrier",
}  # fmt: skip
STATES = {
    "vehicle": ("vehicle.moving", "vehicle.parked", "vehicle.stopped"),
    "cycle": ("cycle.with_rider", "cycle.without_rider"),
    "human": ("pedestrian.moving", "pedestrian.sitting_lying_down", "pedestrian.standing"),
}
PLACES = ("boston-seaport", "singapore-onenorth", "singapore-queenstown")
TOLD = ("Night, parked cars", "Rain, busy junction", "Turn right, pedestrians", "Construction")


@dataclass(frozen=True)
class World:
    """What was written: the folder, and the annotations by sample."""

    folder: Path
    annotations: dict[str, list[dict]]


def token(*parts):
    return hashlib.md5("/".join(map(str, parts)).encode()).hexdigest()


def states_of(category):
    if category in {"vehicle.bicycle", "vehicle.motorcycle"}:
        return STATES["cycle"]
    return STATES.get(category.split(".")[0], ())


def quaternion(yaw):
    return [float(np.cos(yaw / 2)), 0.0, 0.0, float(np.sin(yaw / 2))]


def write_world(folder, scenes=3, samples=8, objects=30, seed=1):
    """Write the tables; gives the `World`."""
    rng = np.random.default_rng(seed)
    tables = {
        "visibility": [{"token": "4", "level": "v80-100", "description": ""}],
        "category": [{"token": token("c", n), "name": n, "description": ""} for n in KINDS],
        "attribute": [
            {"token": token("a", n), "name": n, "description": ""}
            for group in STATES.values()
            for n in group
        ],
        "sensor": [
            {"token": token("s", c), "channel": c, "modality": m}
            for c, m in (("LIDAR_TOP", "lidar"), ("CAM_FRONT", "camera"))
        ],
        **{
            name: []
            for name in (
                "log", "scene", "sample", "sample_data", "calibrated_sensor", "ego_pose",
                "instance", "sample_annotation",
            )
        },
    }  # fmt: skip
    for number in range(scenes):
        _scene(tables, rng, number, samples, objects)
    logs = [one["token"] for one in tables["log"]]
    tables["map"] = [
        {"token": "m", "log_tokens": logs, "category": "semantic_prior", "filename": "map.png"}
    ]
    version = Path(folder) / VERSION
    version.mkdir(parents=True, exist_ok=True)
    (Path(folder) / "map.png").touch()
    for name, rows in tables.items():
        (version / f"{name}.json").write_text(json.dumps(rows, indent=0))
    names = [one["name"] for one in tables["scene"]]
    (version / "splits.json").write_text(json.dumps({SPLIT: names}))
    annotations = {one["token"]: [] for one in tables["sample"]}
    names = {one["token"]: one["name"] for one in tables["category"]}
    categories = {one["token"]: names[one["category_token"]] for one in tables["instance"]}
    for one in tables["sample_annotation"]:
        known = {**one, "category": categories[one["instance_token"]]}
        annotations[one["sample_token"]].append(known)
    return World(Path(folder), annotations)


def _scene(tables, rng, number, samples, objects):
    scene, log = token("scene", number), token("log", number)
    tables["log"].append(
        {
            "token": log, "logfile": f"n{number:03}", "vehicle": f"n{number % 2:03}",
            "date_captured": "2018-07-24", "location": PLACES[number % len(PLACES)],
        }
    )  # fmt: skip
    moments = [token("sample", number, i) for i in range(samples)]
    tables["scene"].append(
        {
            "token": scene, "name": f"scene-{number:04}", "description": TOLD[number % len(TOLD)],
            "log_token": log, "nbr_samples": samples, "first_sample_token": moments[0],
            "last_sample_token": moments[-1],
        }
    )  # fmt: skip
    start = rng.uniform(300, 2000, 2)
    heading = rng.uniform(-np.pi, np.pi)
    ahead = np.array([np.cos(heading), np.sin(heading)])
    for channel in ("LIDAR_TOP", "CAM_FRONT"):
        tables["calibrated_sensor"].append(
            {
                "token": token("calibrated", number, channel), "sensor_token": token("s", channel),
                "translation": [1.0, 0.0, 1.8], "rotation": [1.0, 0.0, 0.0, 0.0],
                "camera_intrinsic": [],
            }
        )  # fmt: skip
    times = 1_532_000_000_000_000 + number * 10**9 + np.arange(samples) * 500_000
    times += rng.integers(-20_000, 20_000, samples)
    for i, moment in enumerate(moments):
        tables["sample"].append(
            {
                "token": moment, "timestamp": int(times[i]), "scene_token": scene,
                "prev": moments[i - 1] if i else "",
                "next": moments[i + 1] if i + 1 < samples else "",
            }
        )  # fmt: skip
        for channel in ("LIDAR_TOP", "CAM_FRONT"):
            for key in (True, False):
                data = token("data", number, i, channel, key)
                place = start + ahead * 8 * (i / 2 + (0 if key else 0.1))
                tables["ego_pose"].append(
                    {
                        "token": data, "timestamp": int(times[i]), "rotation": quaternion(heading),
                        "translation": [*map(float, place), 0.0],
                    }
                )  # fmt: skip
                tables["sample_data"].append(
                    {
                        "token": data, "sample_token": moment, "ego_pose_token": data,
                        "calibrated_sensor_token": token("calibrated", number, channel),
                        "timestamp": int(times[i]), "fileformat": "jpg", "is_key_frame": key,
                        "height": 900, "width": 1600, "prev": "", "next": "",
                        "filename": f"{'samples' if key else 'sweeps'}/{channel}/{data}.jpg",
                    }
                )  # fmt: skip
    racks = []
    for thing in range(objects):
        _object(tables, rng, number, thing, moments, times, start, ahead, racks)


def _object(tables, rng, number, thing, moments, times, start, ahead, racks):
    category = str(rng.choice(list(KINDS), p=[share for share, _, _ in KINDS.values()]))
    _, size, speed = KINDS[category]
    size = [float(v) for v in np.array(size) * rng.lognormal(0, 0.1, 3)]
    yaw = rng.uniform(-np.pi, np.pi)
    middle = start + ahead * rng.uniform(-10, 8 * len(moments) / 2 + 10)
    place = middle + rng.uniform(-1, 1, 2) * np.array([35, 50])
    if category == "static_object.bicycle_rack":
        racks.append(place)
    elif category == "vehicle.bicycle" and racks and rng.random() < 0.6:
        place, speed = racks[-1] + rng.uniform(-1.5, 1.5, 2), 0
    velocity = speed * rng.random() * np.array([np.cos(yaw), np.sin(yaw)])
    first = int(rng.integers(0, len(moments)))
    last = min(len(moments), first + int(rng.integers(1, len(moments) + 1)))
    seen = [i for i in range(first, last) if rng.random() > 0.05] or [first]
    instance = token("instance", number, thing)
    tables["instance"].append(
        {
            "token": instance, "category_token": token("c", category), "nbr_annotations": len(seen),
            "first_annotation_token": "", "last_annotation_token": "",
        }
    )  # fmt: skip
    names = states_of(category)
    state = [token("a", rng.choice(names))] if names and rng.random() > 0.05 else []
    marks = [token("annotation", number, thing, i) for i in seen]
    for at, i in enumerate(seen):
        now = place + velocity * (times[i] - times[0]) / 1e6 + rng.normal(0, 0.05, 2)
        tables["sample_annotation"].append(
            {
                "token": marks[at], "sample_token": moments[i], "instance_token": instance,
                "visibility_token": "4", "attribute_tokens": state,
                "translation": [*map(float, now), float(size[2] / 2)], "size": size,
                "rotation": quaternion(yaw), "prev": marks[at - 1] if at else "",
                "next": marks[at + 1] if at + 1 < len(marks) else "",
                "num_lidar_pts": int(rng.poisson(2)), "num_radar_pts": int(rng.poisson(0.5)),
            }
        )  # fmt: skip


def write_submission(world, path, seed=2, found=0.85, noise_m=0.5, wrong=6, digits=None):
    """Write what a network says of the world.

    Args:
        world: The `World`.
        path: The file.
        seed: Of the random numbers.
        found: Share of the annotations that have a box.
        noise_m: How far boxes are displaced, in metres.
        wrong: Mean number of boxes a sample where nothing is.
        digits: Decimals of the scores; few of them make equal scores.
    """
    rng = np.random.default_rng(seed)
    classes = sorted(set(CLASSES.values()))
    attributes = [name for group in STATES.values() for name in group]
    names = {token("a", name): name for name in attributes}
    results = {}
    for sample, annotations in world.annotations.items():
        boxes = []
        for one in annotations:
            if one["category"] not in CLASSES or rng.random() > found:
                continue
            x, y, z = one["translation"]
            yaw = 2 * np.arctan2(one["rotation"][3], one["rotation"][0])
            state = names[one["attribute_tokens"][0]] if one["attribute_tokens"] else ""
            moved = rng.normal(0, noise_m * rng.lognormal(0, 0.8), 2)
            right = rng.random() < 0.95
            boxes.append(
                _box(
                    sample, [x + moved[0], y + moved[1], z],
                    np.array(one["size"]) * rng.lognormal(0, 0.1, 3),
                    yaw + rng.normal(0, 0.2) + (np.pi if rng.random() < 0.05 else 0),
                    rng.normal(0, 1, 2),
                    CLASSES[one["category"]] if right else str(rng.choice(classes)),
                    state if rng.random() < 0.8 else str(rng.choice(attributes)),
                    rng.beta(4, 2),
                )
            )  # fmt: skip
        middle = annotations[0]["translation"] if annotations else [1000.0, 1000.0, 1.0]
        for _ in range(rng.poisson(wrong)):
            place = [middle[0] + rng.normal(0, 20), middle[1] + rng.normal(0, 20), 1.0]
            boxes.append(
                _box(
                    sample, place, rng.uniform(0.5, 4, 3), rng.uniform(-3, 3), rng.normal(0, 1, 2),
                    str(rng.choice(classes)), "", rng.beta(2, 4),
                )
            )  # fmt: skip
        for box in boxes if digits is not None else ():
            box["detection_score"] = round(box["detection_score"], digits)
        results[sample] = boxes
    Path(path).write_text(json.dumps({"meta": {"use_lidar": True}, "results": results}))
    return Path(path)


def _box(sample, place, size, yaw, velocity, name, state, score):
    return {
        "sample_token": sample, "translation": [float(v) for v in place],
        "size": [float(v) for v in size], "rotation": quaternion(yaw),
        "velocity": [float(v) for v in velocity], "detection_name": name,
        "detection_score": float(score), "attribute_name": state,
    }  # fmt: skip
