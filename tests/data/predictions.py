"""Makes the files of examples/predictions: a small data set, and the results of two networks on it.

    python -m tests.data.predictions

24 drives with 5 frames each. The candidate is a little better at cars, and misses most pedestrians
at night.
"""

import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[2] / "shadow" / "examples" / "predictions"
DRIVES, FRAMES = 24, 5
CLASSES = {"car": (90, 60), "pedestrian": (24, 60), "bicycle": (44, 44)}
FOUND = {"car": 0.86, "pedestrian": 0.80, "bicycle": 0.78}
WIDTH, HEIGHT = 1280, 720


def example() -> dict[str, object]:
    """The content of the three files by name."""
    rng = np.random.default_rng(12)
    images, labels = [], []
    for drive in range(DRIVES):
        about = {
            "weather": ("clear", "rain")[drive % 3 == 1],
            "city": ("Oslo", "Porto", "Turin")[drive // 2 % 3],
            "light": ("day", "night")[drive % 5 in (1, 4)],
        }
        for frame in range(FRAMES):
            at = len(images) + 1
            name = f"drive_{drive + 1:02d}/{frame:06d}.jpg"
            images.append(
                {"id": at, "file_name": name, "width": WIDTH, "height": HEIGHT}
                | {"video_id": drive + 1, "frame_id": frame, **about}
            )
            for category, share in enumerate((2.0, 1.6, 0.8), 1):
                for _ in range(rng.poisson(share)):
                    labels.append(
                        {"image_id": at, "category_id": category, "bbox": _box(rng, category)}
                    )
    annotations = [
        {"id": at, **label, "area": round(label["bbox"][2] * label["bbox"][3], 1), "iscrowd": 0}
        for at, label in enumerate(labels, 1)
    ]
    categories = [{"id": at, "name": name} for at, name in enumerate(CLASSES, 1)]
    night = {image["id"] for image in images if image["light"] == "night"}
    return {
        "truth.json": {"images": images, "categories": categories, "annotations": annotations},
        "deployed.json": _results(labels, 1, set(), 0.0),
        "candidate.json": _results(labels, 2, night, 0.03),
    }


def _results(labels: list[dict], seed: int, night: set[int], better_at_cars: float) -> list[dict]:
    """Results of a network; networks agree on most objects, as two versions of one do."""
    shared, own = np.random.default_rng(5), np.random.default_rng(seed)
    found = []
    for label in labels:
        luck, doubt, differs = shared.random(), shared.random(), own.random()
        category = label["category_id"]
        name = list(CLASSES)[category - 1]
        chance = FOUND[name] + better_at_cars * (name == "car")
        if name == "pedestrian" and label["image_id"] in night:
            chance = 0.2
        if (luck if differs > 0.06 else own.random()) < chance:
            near = np.array(label["bbox"]) + own.normal(size=4) * 1.5
            found.append(_result(label["image_id"], category, near, 0.97 - 0.4 * doubt))
        if doubt < 0.15:
            wrong = _box(shared, category)
            found.append(_result(label["image_id"], category, wrong, 0.2 + 0.4 * luck))
    return found


def _result(image: int, category: int, box: object, score: float) -> dict:
    bbox = [round(float(number), 1) for number in box]
    return {"image_id": image, "category_id": category, "bbox": bbox, "score": round(score, 3)}


def _box(rng: np.random.Generator, category: int) -> list[float]:
    wide, high = list(CLASSES.values())[category - 1]
    size = rng.uniform(0.6, 1.6)
    left, top = rng.uniform(0, WIDTH - 1.6 * wide), rng.uniform(250, HEIGHT - 1.6 * high)
    return [round(float(number), 1) for number in (left, top, wide * size, high * size)]


def text_of(content: object) -> str:
    """JSON with a line for every frame and box."""
    if isinstance(content, list):
        return "[\n" + ",\n".join(json.dumps(row) for row in content) + "\n]\n"
    assert isinstance(content, dict)
    parts = [f'"{key}": {text_of(rows).rstrip()}' for key, rows in content.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    for name, content in example().items():
        (FOLDER / name).write_text(text_of(content))
