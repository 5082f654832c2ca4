"""Edits of exported files as a labeling tool would make them, one class for each format.

Boxes are ``(x1, y1, x2, y2)`` in pixels of the exported image; images are named by their stem.
"""

import json
from xml.etree import ElementTree

NEAR_PX = 0.01
NEW = "bus"  # the label of what is added


def near(one, two):
    return all(abs(a - b) < NEAR_PX for a, b in zip(one, two, strict=True))


class Cvat:
    """The file of images."""

    def __init__(self, folder):
        self.path = folder / "annotations.xml"
        self.tree = ElementTree.parse(self.path)

    def find(self, stem, box):
        (image,) = [i for i in self.tree.iter("image") if i.get("name") == f"{stem}.png"]
        return image, next(one for one in image.iter("box") if near(self.edges(one), box))

    def edges(self, one):
        return [float(one.get(edge)) for edge in ("xtl", "ytl", "xbr", "ybr")]

    def set_edges(self, one, box):
        for edge, value in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True):
            one.set(edge, repr(value))

    def delete(self, stem, box):
        image, one = self.find(stem, box)
        image.remove(one)

    def move(self, stem, box, to):
        self.set_edges(self.find(stem, box)[1], to)

    def add(self, stem, box):
        (image,) = [i for i in self.tree.iter("image") if i.get("name") == f"{stem}.png"]
        one = ElementTree.SubElement(image, "box", label=NEW, source="manual", occluded="0")
        self.set_edges(one, box)

    def save(self):
        self.tree.write(self.path, encoding="utf-8")
        return self.path


class CvatVideo(Cvat):
    """The files of videos, one for each camera."""

    def __init__(self, folder):
        self.folder = folder / "video"
        self.images = {}  # the file and the number of the frame of each image
        manifest = json.loads((folder / "ridealong-manifest.json").read_text())
        self.trees = {path: ElementTree.parse(path) for path in self.folder.rglob("*.xml")}
        for clip in manifest["clips"]:
            for camera, known in clip["cameras"].items():
                name = f"{clip['clip_id']}-{camera}"
                tree = self.trees[self.folder / name / "annotations.xml"]
                for frame, time in enumerate(known["timestamps_ns"]):
                    self.images[f"{name}-{time}"] = tree, str(frame)

    def find(self, stem, box):
        tree, frame = self.images[stem]
        there = [one for one in tree.iter("box")
                 if one.get("frame") == frame and one.get("outside") == "0"]  # fmt: skip
        return tree, next(one for one in there if near(self.edges(one), box))

    def delete(self, stem, box):
        self.find(stem, box)[1].set("outside", "1")

    def add(self, stem, box):
        tree, frame = self.images[stem]
        track = ElementTree.SubElement(tree.getroot(), "track", id="999", label=NEW)
        one = ElementTree.SubElement(track, "box", frame=frame, keyframe="1", outside="0")
        self.set_edges(one, box)

    def save(self):
        for path, tree in self.trees.items():
            tree.write(path, encoding="utf-8")
        return self.folder


class Json:
    def __init__(self, path):
        self.path = path
        self.document = json.loads(path.read_text())

    def save(self):
        self.path.write_text(json.dumps(self.document))
        return self.path


class Coco(Json):
    def __init__(self, folder):
        super().__init__(folder / "annotations/instances_default.json")

    def image(self, stem):
        names = {image["file_name"]: image["id"] for image in self.document["images"]}
        return names[f"{stem}.png"]

    def find(self, stem, box):
        want = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
        return next(
            one
            for one in self.document["annotations"]
            if one["image_id"] == self.image(stem) and near(one["bbox"], want)
        )

    def delete(self, stem, box):
        self.document["annotations"].remove(self.find(stem, box))

    def move(self, stem, box, to):
        self.find(stem, box)["bbox"] = [to[0], to[1], to[2] - to[0], to[3] - to[1]]

    def add(self, stem, box):
        (category,) = [c["id"] for c in self.document["categories"] if c["name"] == NEW]
        size = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
        image = self.image(stem)
        self.document["annotations"].append(
            {"id": 10**6, "image_id": image, "category_id": category, "bbox": size}
        )


class LabelStudio(Json):
    def __init__(self, folder):
        super().__init__(folder / "tasks.json")

    def results(self, stem):
        (task,) = [t for t in self.document if t["data"]["image"].endswith(f"/{stem}.png")]
        return task["annotations"][0]["result"]

    def find(self, stem, box):
        for one in self.results(stem):
            value = one["value"]
            size = one["original_width"], one["original_height"]
            if near(pixels(value, size), box):
                return one, size
        raise AssertionError(box)

    def delete(self, stem, box):
        self.results(stem).remove(self.find(stem, box)[0])

    def move(self, stem, box, to):
        one, size = self.find(stem, box)
        one["value"] |= percent(to, size)

    def add(self, stem, box):
        size = self.size
        value = percent(box, size) | {"rotation": 0, "rectanglelabels": [NEW]}
        self.results(stem).append(
            {
                "id": "new",
                "type": "rectanglelabels",
                "original_width": size[0],
                "original_height": size[1],
                "value": value,
            }
        )


class LabelStudioVideo(Json):
    def __init__(self, folder):
        super().__init__(folder / "video_tasks.json")

    def task(self, stem):
        for task in self.document:
            data = task["data"]
            for one in data["frames"]:
                if stem == f"{data['clip_id']}-{data['camera']}-{one['timestamp_ns']}":
                    return task, one["frame"], (data["width"], data["height"])
        raise AssertionError(stem)

    def find(self, stem, box):
        task, frame, size = self.task(stem)
        for region in task["annotations"][0]["result"]:
            for at, key in enumerate(region["value"]["sequence"]):
                if key["frame"] == frame and near(pixels(key, size), box):
                    return region["value"]["sequence"], at, size
        raise AssertionError(box)

    def delete(self, stem, box):
        sequence, at, _ = self.find(stem, box)
        if at:
            sequence[at - 1]["enabled"] = False
        del sequence[at]

    def move(self, stem, box, to):
        sequence, at, size = self.find(stem, box)
        sequence[at] |= percent(to, size)

    def add(self, stem, box):
        task, frame, size = self.task(stem)
        key = percent(box, size) | {"frame": frame, "enabled": False, "rotation": 0}
        value = {"sequence": [key], "labels": [NEW]}
        task["annotations"][0]["result"].append(
            {"id": "new", "type": "videorectangle", "value": value}
        )


def pixels(value, size):
    x, y, w, h = (value[side] for side in ("x", "y", "width", "height"))
    x, w, y, h = x * size[0] / 100, w * size[0] / 100, y * size[1] / 100, h * size[1] / 100
    return [x, y, x + w, y + h]


def percent(box, size):
    x, y = 100 / size[0], 100 / size[1]
    return {
        "x": box[0] * x, "y": box[1] * y,
        "width": (box[2] - box[0]) * x, "height": (box[3] - box[1]) * y,
    }  # fmt: skip


class OpenLabel(Json):
    def __init__(self, folder):
        (path,) = (folder / "openlabel").iterdir()
        super().__init__(path)
        self.labels = self.document["openlabel"]

    def frame(self, stem):
        _, camera, time = stem.rsplit("-", 2)
        for frame in self.labels["frames"].values():
            if frame["frame_properties"]["timestamp_ns"] == time:
                return frame, camera
        raise AssertionError(stem)

    def find(self, stem, box):
        frame, camera = self.frame(stem)
        for found in frame["objects"].values():
            boxes = found["object_data"].get("bbox", [])
            for one in boxes:
                if one["stream"] == camera and near(corners(one["val"]), box):
                    return boxes, one
        raise AssertionError(box)

    def delete(self, stem, box):
        boxes, one = self.find(stem, box)
        boxes.remove(one)

    def move(self, stem, box, to):
        self.find(stem, box)[1]["val"] = centred(to)

    def add(self, stem, box):
        frame, camera = self.frame(stem)
        self.labels["objects"]["new"] = {"name": "new", "type": NEW}
        data = {"bbox": [{"name": "shape", "stream": camera, "val": centred(box)}]}
        frame.setdefault("objects", {})["new"] = {"object_data": data}


def corners(val):
    x, y, w, h = val
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def centred(box):
    x1, y1, x2, y2 = box
    return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]


class Kitti:
    def __init__(self, folder):
        self.folder = folder
        labels = folder / "object/training/label_2"
        self.lines = {path: path.read_text().splitlines() for path in labels.iterdir()}
        self.by_stem = {path.stem: path for path in self.lines}

    def find(self, stem, box):
        lines = self.lines[self.by_stem[stem]]
        for at, line in enumerate(lines):
            words = line.split()
            if words[0] != "DontCare" and near([float(word) for word in words[4:8]], box):
                return lines, at
        raise AssertionError(box)

    def delete(self, stem, box):
        lines, at = self.find(stem, box)
        del lines[at]

    def move(self, stem, box, to):
        lines, at = self.find(stem, box)
        words = lines[at].split()
        words[4:8] = map(repr, to)
        lines[at] = " ".join(words)

    def add(self, stem, box):
        edges = " ".join(map(repr, box))
        line = f"{NEW.capitalize()} 0.0 0 -10 {edges} -1 -1 -1 -1000 -1000 -1000 -10"
        self.lines[self.by_stem[stem]].append(line)

    def save(self):
        for path, lines in self.lines.items():
            path.write_text("".join(f"{line}\n" for line in lines))
        return self.folder


# By the name of a test: the format, and what edits it.
EDITORS = {
    "coco": ("coco", Coco),
    "cvat": ("cvat", Cvat),
    "cvat-video": ("cvat", CvatVideo),
    "label-studio": ("label-studio", LabelStudio),
    "label-studio-video": ("label-studio", LabelStudioVideo),
    "openlabel": ("openlabel", OpenLabel),
    "kitti": ("kitti", Kitti),
}
