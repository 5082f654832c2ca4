"""KITTI: objects with boxes in the image and in space, and tracking.

The reference frame of boxes in space is that of the camera, turned upright: y points down to the
ground, z along the optical axis over the ground. KITTI's boxes stand upright, so nothing is lost
for a camera that looks up or down. ``P2`` projects this frame into the image. ``Tr_velo_to_cam``
leads from the ego frame (ISO 8855) to it.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.labels.formats.format import Format, link, number
from ingest.labels.lineage import ExportHead
from ingest.labels.neutral import ExportClip, ExportImage, LabelNames, Shape, by_image
from ridealong.arrays import Floats
from ridealong.perception.forms import Form
from ridealong.perception.geometry import CameraCalibration

ROOT, IMAGES, LABELS, CALIBRATION = "object/training", "image_2", "label_2", "calib"
TRACKING = "tracking/training"
DONT_CARE = "DontCare"
# KITTI's names of categories that are not the category with a capital.
KITTI_NAMES = {"bicycle": "Cyclist"}
BoxInSpace = tuple[float, float, float, float, float, float, float]
_NO_DIMENSIONS, _NO_PLACE, _NO_ANGLE = ["-1"] * 3, ["-1000"] * 3, "-10"
_PARTLY, _LARGELY = 0.1, 0.5  # hidden by more than this: KITTI's 1 and 2
# The shares that are hidden at each of KITTI's steps.
HIDDEN = {0: (0.0, _PARTLY), 1: (_PARTLY, _LARGELY), 2: (_LARGELY, 1.0)}
UNKNOWN_OCCLUSION = 3


class KittiWriter:
    """Writes the text files; see the module."""

    def __init__(self, folder: Path, names: LabelNames, head: ExportHead) -> None:
        self._folder, self._known = folder, dict[str, Path]()
        self._inside(f"{ROOT}/{LABELS}")

    def add(self, clip: ExportClip) -> None:
        """Write a clip."""
        of_image = by_image(clip.labels)
        lines = {one.id: line(one, clip.cameras[one.image.camera]) for one in clip.labels}
        for image in clip.images:
            if image.labelled:
                mine = [lines[shape.id] for shape in of_image.get(image.id, ())]
                self._write(f"{ROOT}/{LABELS}", image.stem, mine)
        for role, shapes in clip.prelabels.items():
            self._write_prelabels(clip, role, shapes)
        for name, images in clip.by_camera().items():
            sequence = f"{clip.clip_id}-{name}"
            tracks = [one for image in images for one in _tracked(image, of_image, lines)]
            self._write(f"{TRACKING}/label_02", sequence, tracks)
            self._link_images(sequence, images)
            if clip.cameras[name].known:
                self._write_calibration(clip.cameras[name], sequence, images)

    def finish(self) -> None:
        """Nothing is left."""

    def close(self) -> None:
        """No file is open."""

    def _write_prelabels(self, clip: ExportClip, role: str, shapes: Sequence[Shape]) -> None:
        of_image = by_image(shapes)
        for image in clip.images:
            mine = of_image.get(image.id, ())
            lines = [line(shape, clip.cameras[image.camera]) for shape in mine]
            self._write(f"prelabels/{role}/data", image.stem, lines)

    def _link_images(self, sequence: str, images: Sequence[ExportImage]) -> None:
        source = self._inside(f"{ROOT}/{IMAGES}")
        target = self._inside(f"{TRACKING}/image_02/{sequence}")
        for image in images:
            link(source / image.file_name, target / f"{image.frame:06d}.png")

    def _write_calibration(
        self, camera: CameraCalibration, sequence: str, images: Sequence[ExportImage]
    ) -> None:
        """One file for the sequence; each image has a further name of it."""
        self._write(f"{TRACKING}/calib", sequence, calibration_lines(camera))
        source = self._inside(f"{TRACKING}/calib") / f"{sequence}.txt"
        target = self._inside(f"{ROOT}/{CALIBRATION}")
        for image in images:
            link(source, target / f"{image.stem}.txt")

    def _write(self, folder: str, stem: str, lines: list[str]) -> None:
        text = "".join(f"{one}\n" for one in lines)
        (self._inside(folder) / f"{stem}.txt").write_text(text, "utf-8")

    def _inside(self, name: str) -> Path:
        """A folder of the export, which is made when it is first asked for."""
        if name not in self._known:
            self._known[name] = self._folder / name
            self._known[name].mkdir(parents=True, exist_ok=True)
        return self._known[name]


def kitti_name(label: str) -> str:
    """KITTI's name of a label."""
    return KITTI_NAMES.get(label, label[:1].upper() + label[1:].replace(" ", "_"))


def _tracked(
    image: ExportImage, shapes: Mapping[int, Sequence[Shape]], lines: Mapping[int, str]
) -> list[str]:
    """The lines of an image in a file of tracks: frame, track or -1 for none, and the line."""
    if not image.labelled:  # whatever is found there is neither right nor wrong
        return [f"{image.frame} -1 {_dont_care((0.0, 0.0, image.width, image.height))}"]
    return [
        f"{image.frame} {-1 if one.track is None or one.ignored else one.track} {lines[one.id]}"
        for one in shapes.get(image.id, ())
    ]


def _dont_care(box: Sequence[float]) -> str:
    edges = [number(value) for value in box]
    return " ".join(
        [DONT_CARE, "-1", "-1", _NO_ANGLE, *edges, *_NO_DIMENSIONS, *_NO_PLACE, _NO_ANGLE]
    )


def line(shape: Shape, camera: CameraCalibration) -> str:
    """A line of a label file; of an ignored label, one of KITTI's ``DontCare``."""
    assert shape.box is not None  # lines are not exported
    if shape.ignored:
        return _dont_care(shape.box)
    box = [number(value) for value in shape.box]
    known = shape.attributes
    truncation = number(known.get("truncation", 0.0))
    occlusion = str(_occlusion(known.get("occlusion")))
    space = _in_space(shape, camera)
    words = [kitti_name(shape.label), truncation, occlusion, space[0], *box, *space[1:]]
    return " ".join(words + ([] if shape.score is None else [number(shape.score)]))


def _occlusion(hidden: float | None) -> int:
    if hidden is None:
        return UNKNOWN_OCCLUSION
    return int(hidden > _PARTLY) + int(hidden > _LARGELY)


def _in_space(shape: Shape, camera: CameraCalibration) -> list[str]:
    """alpha; height, width, length; x, y, z of the bottom's centre; rotation_y."""
    cuboid = shape.cuboid
    if cuboid is None or not camera.known:
        return [_NO_ANGLE, *_NO_DIMENSIONS, *_NO_PLACE, _NO_ANGLE]
    x, y, z, length, width, height, yaw = cuboid
    upright = upright_SE3_ego(camera)
    place = upright @ np.array([x, y, z - height / 2, 1.0])
    heading = upright[:3, :3] @ np.array([math.cos(yaw), math.sin(yaw), 0.0])
    rotation = math.atan2(-heading[2], heading[0])
    alpha = rotation - math.atan2(place[0], place[2])
    alpha = math.remainder(alpha, 2 * math.pi)
    values = [alpha, height, width, length, *place[:3].tolist(), rotation]
    return [number(value) for value in values]


def in_ego(box: BoxInSpace, camera: CameraCalibration) -> dict[str, float]:
    """A label's columns of a box in space: the inverse of what `line` writes.

    Args:
        box: Height, width, length; x, y, z of the bottom's centre; rotation_y, as in a line.
        camera: The camera, whose place in the vehicle is known.
    """
    height, width, length, *bottom, rotation = box
    ego_SE3_upright = np.linalg.inv(upright_SE3_ego(camera))
    place = ego_SE3_upright @ np.array([*bottom, 1.0])
    heading = ego_SE3_upright[:3, :3] @ np.array([math.cos(rotation), 0.0, -math.sin(rotation)])
    return {
        "x_m": float(place[0]),
        "y_m": float(place[1]),
        "z_m": float(place[2]) + height / 2,
        "length_m": length,
        "width_m": width,
        "height_m": height,
        "yaw_rad": math.atan2(heading[1], heading[0]),
    }


def upright_SE3_ego(camera: CameraCalibration) -> Floats:
    """``(4, 4)`` from the ego frame to the camera's, turned upright (see the module)."""
    forward = camera.ego_SE3_camera[:3, 2].copy()
    forward[2] = 0.0
    forward /= np.linalg.norm(forward)
    down = np.array([0.0, 0.0, -1.0])
    ego_R_upright = np.stack([np.cross(down, forward), down, forward], axis=1)
    found = np.eye(4)
    found[:3, :3] = ego_R_upright.T
    found[:3, 3] = -ego_R_upright.T @ camera.ego_SE3_camera[:3, 3]
    return found


def projection(camera: CameraCalibration) -> Floats:
    """``(3, 4)`` from the upright frame to pixels: KITTI's ``P2``."""
    intrinsics = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    camera_R_ego = camera.ego_SE3_camera[:3, :3].T
    found: Floats = intrinsics @ camera_R_ego @ upright_SE3_ego(camera)[:3, :3].T
    return np.concatenate([found, np.zeros((3, 1))], axis=1)


def calibration_lines(camera: CameraCalibration) -> list[str]:
    """The lines of a calibration file; all four cameras are this one."""
    matrix = projection(camera)
    lines = [_matrix(f"P{at}", matrix) for at in range(4)]
    lines.append(_matrix("R0_rect", np.eye(3)))
    lines.append(_matrix("Tr_velo_to_cam", upright_SE3_ego(camera)[:3]))
    return [*lines, _matrix("Tr_imu_to_velo", np.eye(4)[:3])]


def _matrix(name: str, values: NDArray[np.float64]) -> str:
    return f"{name}: " + " ".join(f"{value:.12e}" for value in values.ravel())


FORMAT = Format(
    name="kitti",
    title="KITTI: 2D and 3D boxes, and tracking",
    images=f"{ROOT}/{IMAGES}",
    forms=frozenset({Form.BOXES}),
    writer=KittiWriter,
    lacks=(
        "lines and traffic lights",
        "how much of an object is hidden: KITTI has three steps",
        "labels that do not count, which are DontCare",
        "track ids in `label_2` (they are in `tracking`)",
        "a truncation of 0, which stands for unknown, too",
    ),
)
