"""Guesses how a graph's inputs are filled and its outputs decoded, from names, types and sizes."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ridealong.perception.annotations import ObjectCategory, Surface
from shadow.networks.drafting import Guess, Open
from shadow.networks.onnx.graph import Graph, Port
from shadow.networks.onnx.inputs import ImageType

IMAGE_LAYOUTS = {3: ("CHW", "HWC"), 4: ("NCHW", "NHWC"), 5: ("NKCHW", "NKHWC")}
BOX_LAYOUTS = {2: "MC", 3: "NMC", 4: "NKMC"}
GRID_LAYOUTS = {2: "HW", 3: "NHW", 4: "NCHW", 5: "NKCHW"}
WHATS = "images, present, calibration, image_size, state or constant"
DECODERS = "boxes, heatmap, lights, class_scores, lanes, lane_points, depth, segmentation, layers"

_OURS = tuple(each.value for each in ObjectCategory)
_SYNONYMS = {
    "person": "pedestrian",
    "motorbike": "motorcycle",
    "bike": "bicycle",
    **{name: name for name in _OURS},
}
# COCO's classes by number, with and without the numbers that it does not use.
_COCO = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}
_COCO_FROM_1 = {number + 1: name for number, name in _COCO.items()}
_COUNTED = {80: _COCO, 91: _COCO_FROM_1, 92: _COCO_FROM_1}
_NOTHING = {92: 91}  # the class for nothing, by the number of classes: DETR's
_CITYSCAPES = (
    *("road", "sidewalk", "building", None, None, "pole", "pole", "pole", "vegetation", "terrain"),
    *("sky", "person", "person", *["vehicle"] * 6),
)
MOST_CLASSES = 10_000  # a stranger's file may name any number
_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
_TENSORFLOW = "detection_boxes"  # of TensorFlow's detection models


def input_entry(port: Port, graph: Graph) -> dict[str, Any]:
    """How an input is filled."""
    layout = _image_layout(port)
    if layout:
        return _image_entry(port, layout, graph)
    if "size" in port.name.lower() and port.shape[-1:] == (2,):
        layout = "NC" if len(port.shape) == 2 else "C"
        order = "width_height" if port.name == "orig_target_sizes" else "height_width"
        return {"what": "image_size", "order": Guess(order), "layout": layout}
    if "mask" in port.name.lower():
        known = None not in port.shape
        shape = {} if known else {"shape": Open(f"the sizes of its axes; it is {port}")}
        return {"what": "constant", "value": Guess(1), **shape}
    return {"what": Open(f"{WHATS}; it is {port}")}


def _image_layout(port: Port) -> str | None:
    if port.dtype not in set(ImageType):
        return None
    for layout in IMAGE_LAYOUTS.get(len(port.shape), ()):
        if port.shape[layout.index("C")] in (1, 3):
            return layout
    return "NCHW" if port.shape == (None,) * 4 else None


def _image_entry(port: Port, layout: str, graph: Graph) -> dict[str, Any]:
    sizes = dict(zip(layout, port.shape, strict=True))
    alone = sum(_image_layout(each) is not None for each in graph.inputs.values()) == 1
    mean, deviation = _IMAGENET if port.name == "pixel_values" else ([0, 0, 0], [1, 1, 1])
    cameras: Any = Guess(["main"]) if alone else Open("the camera of this input")
    if "K" in sizes:
        cameras = Open(f"the {sizes['K'] or ''} cameras, in the order of the axis K")
    return {
        "what": "images",
        "cameras": cameras,
        "layout": layout if sizes["C"] else Guess(layout),
        "height": sizes["H"] or Open("rows of its images"),
        "width": sizes["W"] or Open("columns of its images"),
        "colour": "grey" if sizes["C"] == 1 else Guess("rgb"),
        "divide_by": 1 if port.dtype == "uint8" else Guess(255),
        **({} if port.dtype == "uint8" else {"mean": Guess(mean), "deviation": Guess(deviation)}),
        "fit": Guess("letterbox" if "stride" in graph.metadata else "stretch"),
        "dtype": port.dtype,
    }


def output_entries(graph: Graph) -> list[dict[str, Any]]:
    """The decoders of the outputs; one that is open if none is recognised."""
    guesses = (_lists(graph), _suppressed(graph), _packed(graph), _heat(graph))
    found = [entry for entry in guesses if entry][:1]
    found += list(_grids(graph)) or ([] if found else list(_cityscapes(graph)))
    ports = "; ".join(f"{port.name} is {port}" for port in graph.outputs.values())
    return found or [{"decoder": Open(f"{DECODERS} or boxes3d; {ports}")}]


def _named(graph: Graph, *words: str) -> Port | None:
    return next(
        (p for p in graph.outputs.values() if any(word in p.name.lower() for word in words)), None
    )


def _lists(graph: Graph) -> dict[str, Any] | None:
    """Boxes, scores and perhaps labels as outputs of their own."""
    boxes = _named(graph, "box")
    scores = _named(graph, "score", "conf", "prob", "logit")
    labels = _named(graph, "label", "class", "categor")
    if boxes is None or scores is None or boxes.shape[-1:] != (4,):
        return None
    layout = BOX_LAYOUTS.get(len(boxes.shape))
    if layout is None or len(scores.shape) not in (len(layout), len(layout) - 1):
        return None
    scored = layout if len(scores.shape) == len(layout) else layout[:-1]
    count = scores.shape[-1] if "C" in scored else None
    entry: dict[str, Any] = {"decoder": "boxes"}
    entry["boxes"] = {"output": boxes.name, "layout": layout}
    entry["scores"] = {"output": scores.name, "layout": scored}
    if labels is not None and labels is not scores and "C" not in scored:
        entry["labels"] = {"output": labels.name, "layout": layout[:-1]}
        count = max(_COUNTED.keys() - _NOTHING) if boxes.name == _TENSORFLOW else len(_OURS)
    form, unit = _form_and_unit(boxes, graph)
    nothing = _NOTHING.get(count or 0)
    activation = "sigmoid" if "logit" in scores.name.lower() else "none"
    return entry | {
        "format": Guess(form),
        "unit": Guess(unit),
        "activation": Guess(activation if nothing is None else "softmax"),
        "categories": _categories(graph, count),
        **({} if nothing is None else {"background": Guess(nothing)}),
    }


def _form_and_unit(boxes: Port, graph: Graph) -> tuple[str, str]:
    """As the exporters that use these names have them."""
    if boxes.name == "pred_boxes":
        return "cxcywh", "input_fraction"
    if boxes.name == _TENSORFLOW:
        return "yxyx", "input_fraction"
    own_size = any("size" in name.lower() for name in graph.inputs)
    return "xyxy", "image_pixels" if own_size else "input_pixels"


def _suppressed(graph: Graph) -> dict[str, Any] | None:
    """One output with corners, score and class of each box, as Ultralytics has it after NMS."""
    names = _names(graph)
    if len(graph.outputs) != 1 or not names:
        return None
    (port,) = graph.outputs.values()
    raw = port.shape[1:2] in ((4 + len(names),), (5 + len(names),))
    if len(port.shape) != 3 or port.shape[2] != 6 or raw:
        return None
    places = {"boxes": [0, 4], "scores": [4, 5], "labels": [5, 6]}
    taps = {k: {"output": port.name, "layout": "NMC", "values": v} for k, v in places.items()}
    return {
        "decoder": "boxes",
        **taps,
        "format": Guess("xyxy"),
        "unit": Guess("input_pixels"),
        "activation": Guess("none"),
        "categories": _categories(graph, len(names)),
    }


def _heat(graph: Graph) -> dict[str, Any] | None:
    """A heatmap of centres with sizes, as CenterNet has it."""
    heat = _named(graph, "heat", "hm")
    size = _named(graph, "wh", "size", "dim")
    offset = _named(graph, "reg", "off")
    if heat is None or size is None or len(heat.shape) != 4 or len(size.shape) != 4:
        return None
    ports = {"heatmap": heat, "size": size, **({"offset": offset} if offset else {})}
    return {
        "decoder": "heatmap",
        **{field: {"output": port.name, "layout": "NCHW"} for field, port in ports.items()},
        "size_unit": Guess("cells"),
        "activation": Guess("sigmoid"),
        "categories": _categories(graph, heat.shape[1]),
    }


def _packed(graph: Graph) -> dict[str, Any] | None:
    """One output with the box and the scores of each candidate, as YOLO has it."""
    if len(graph.outputs) != 1:
        return None
    (port,) = graph.outputs.values()
    names = _names(graph)
    counts = [len(names)] if names else list(_COUNTED)
    for layout, axis in (("NCM", 1), ("NMC", 2)):
        for count in counts:
            for first in (4, 5):
                if len(port.shape) == 3 and port.shape[axis] == first + count:
                    return _packed_entry(graph, port.name, layout, first, count)
    return None


def _packed_entry(graph: Graph, output: str, layout: str, first: int, count: int) -> dict[str, Any]:
    def tap(start: int, end: int) -> dict[str, Any]:
        return {"output": output, "layout": layout, "values": [start, end]}

    entry: dict[str, Any] = {"decoder": "boxes", "boxes": tap(0, 4)}
    entry["scores"] = tap(first, first + count)
    if first == 5:
        entry["objectness"] = {**tap(4, 5)}
    return entry | {
        "format": Guess("cxcywh"),
        "unit": Guess("input_pixels"),
        "activation": Guess("none"),
        "nms_iou": Guess(0.5),
        "categories": _categories(graph, count),
    }


def _names(graph: Graph) -> dict[int, str]:
    """The classes that the exporter wrote into the graph, by number."""
    try:
        names = ast.literal_eval(graph.metadata.get("names", "{}"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    given = names.items() if isinstance(names, dict) else ()
    known = ((number, name) for number, name in given if isinstance(number, int))
    return {number: str(name) for number, name in known if 0 <= number < MOST_CLASSES}


def _categories(graph: Graph, count: int | None) -> Guess | Open:
    """The categories by number; classes that ridealong does not know are null."""
    names: Mapping[int, str] = _names(graph) or _COUNTED.get(count or 0, {})
    if names:
        size = max(*names, min(count or 0, MOST_CLASSES) - 1, 0) + 1
        return Guess([_SYNONYMS.get(names.get(n, "").lower()) for n in range(size)])
    if count == len(_OURS):
        return Guess(list(_OURS))
    of = f"{count} classes" if count else "classes"
    return Open(f"the category of each of the {of}, null for others: {', '.join(_OURS)}")


def _grids(graph: Graph) -> Iterator[dict[str, Any]]:
    for port in graph.outputs.values():
        name, layout = port.name.lower(), GRID_LAYOUTS.get(len(port.shape))
        if layout is None:
            continue
        if "depth" in name or "disp" in name:
            yield {
                "decoder": "depth",
                "depth": {"output": port.name, "layout": layout},
                "unit": Open("metres, log_metres or inverse_metres"),
            }
        elif "seg" in name or "sem" in name:
            yield _surfaces(port, layout)


def _cityscapes(graph: Graph) -> Iterator[dict[str, Any]]:
    """Scores of as many classes as Cityscapes has, under any name."""
    for port in graph.outputs.values():
        if len(port.shape) == 4 and port.shape[1] == len(_CITYSCAPES):
            yield _surfaces(port, GRID_LAYOUTS[4])


def _surfaces(port: Port, layout: str) -> dict[str, Any]:
    field = "scores" if "C" in layout else "ids"
    count = port.shape[layout.index("C")] if "C" in layout else None
    surfaces = [each.value for each in Surface]
    guesses = {len(surfaces): surfaces, len(_CITYSCAPES): list(_CITYSCAPES)}
    asked = Open(f"the surface of each class, null for others: {', '.join(surfaces)}")
    return {
        "decoder": "segmentation",
        field: {"output": port.name, "layout": layout},
        "classes": Guess(guesses[count]) if count in guesses else asked,
    }


def predictions(
    cameras: Sequence[str] | None, outputs: Sequence[Mapping[str, Any]]
) -> Guess | Open:
    """The predictions of the outputs, if cameras and categories are known."""
    found: list[str] = []
    for entry in outputs:
        given = _given(entry)
        if cameras is None or given is None:
            example = "depth@main" if entry["decoder"] == "depth" else "objects/car@main"
            return Open(f"a list of what it gives, such as [{example}]")
        found += [f"{name}@{camera}" for camera in cameras for name in given]
    return Guess(found) if found else Open("a list of what it gives, such as [objects/car@main]")


def _given(entry: Mapping[str, Any]) -> list[str] | None:
    """What a decoder gives in each camera; None if that is not known."""
    if entry["decoder"] == "depth":
        return ["depth"]
    classes = entry.get("categories", entry.get("classes"))
    if not isinstance(classes, Guess):
        return None
    task = "segmentation" if entry["decoder"] == "segmentation" else "objects"
    return [f"{task}/{name}" for name in dict.fromkeys(classes.value) if name]
