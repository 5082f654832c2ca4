"""Made-up KITTI scenes: labels of every kind, and results with every kind of error.

Boxes in the image are projections of the boxes in space by a pinhole, so both have one size.
"""

from pathlib import Path

import numpy as np

SIZES = {  # height, width, length
    "Car": (1.5, 1.6, 3.9),
    "Van": (2.2, 1.9, 5.1),
    "Pedestrian": (1.75, 0.65, 0.85),
    "Person_sitting": (1.3, 0.6, 0.8),
    "Cyclist": (1.73, 0.6, 1.76),
    "Truck": (3.2, 2.6, 10.0),
}
SHARES = (0.4, 0.1, 0.2, 0.05, 0.15, 0.1)
FOCAL, CX, CY = 721.5377, 609.5593, 172.854


def write_scenes(
    root: Path, frames: int, seed: int, noise: float = 0.08, in_space: bool = True
) -> tuple[Path, Path]:
    """Write ``frames`` label files and result files below a folder; returns both folders."""
    rng = np.random.default_rng(seed)
    truth, results = root / "label_2", root / f"results_{seed}"
    for folder in (truth, results):
        folder.mkdir(parents=True, exist_ok=True)
    for frame in range(frames):
        labels, found = [], []
        for _ in range(rng.integers(0, 9)):
            name = str(rng.choice(list(SIZES), p=SHARES))
            box = _box(rng, name)
            labels.append(_line(name, rng.choice([0, 0, 0.1, 0.2, 0.4]), rng.integers(0, 4), box))
            for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 3])):
                said = _mistaken(rng, name)
                near = box + noise * rng.normal(size=7) * [0.3, 0.3, 0.6, 0.6, 0.2, 0.8, 0.5]
                score = np.clip(0.9 - 0.4 * rng.random() - 0.02 * box[5] / 10, 0, 1)
                found.append(_line(said, -1, -1, near, score, in_space))
        for _ in range(rng.integers(0, 3)):  # errors, some inside of regions that nobody labelled
            name = str(rng.choice(["Car", "Pedestrian", "Cyclist"]))
            box = _box(rng, name)
            found.append(_line(name, -1, -1, box, 0.7 * rng.random(), in_space))
            if rng.random() < 0.4:
                x1, y1, x2, y2 = _image(box) + np.array([-5, -5, 5, 5])
                region = f"{x1:.2f} {y1:.2f} {x2:.2f} {y2:.2f}"
                labels.append(f"DontCare -1 -1 -10 {region} -1 -1 -1 -1000 -1000 -1000 -10")
        order = rng.permutation(len(labels))
        (truth / f"{frame:06d}.txt").write_text("".join(labels[k] + "\n" for k in order))
        (results / f"{frame:06d}.txt").write_text("".join(line + "\n" for line in found))
    return truth, results


def _mistaken(rng, name):
    if rng.random() < 0.9:
        return name
    return str(rng.choice(["Car", "Van", "Pedestrian", "Cyclist", "car"]))


def _box(rng, name):
    """h, w, l, x, y, z, ry."""
    size = np.array(SIZES[name]) * rng.uniform(0.9, 1.1, 3)
    z = rng.uniform(8, 60)
    return np.array([*size, rng.uniform(-0.5, 0.5) * z, 1.65, z, rng.uniform(-3.1, 3.1)])


def _image(box):
    h, w, l, x, y, z, _ = box  # noqa: E741
    wide = (w + l) / 2
    left, right = (FOCAL * (x + s * wide / 2) / z + CX for s in (-1, 1))
    return np.array([left, FOCAL * (y - h) / z + CY, right, FOCAL * y / z + CY])


def _line(name, truncation, occlusion, box, score=None, in_space=True):
    space = " ".join(f"{v:.2f}" for v in box) if in_space else "-1 -1 -1 -1000 -1000 -1000 -10"
    image = " ".join(f"{v:.2f}" for v in _image(box))
    end = "" if score is None else f" {score:.2f}"
    return f"{name} {truncation} {occlusion} 0.00 {image} {space}{end}"
