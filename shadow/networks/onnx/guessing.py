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
_COUNTED = {80: _COCO, 91: {number + 1: name for number, name in _COCO.items()}}


def input_entry(port: Port, graph: Graph) -> dict[str, Any]:
    """How an input is filled."""
    layout = _image_layout(port)
    if layout:
        return _image_entry(port, layout, graph)
    if "size" in port.name.lower() and port.shape[-1:] == (2,):
        layout = "NC" if len(port.shape) == 2 else "C"
        return {"what": "image_size", "order": Guess("height_width"), "layout": layout}
    return {"what": Open(f"{WHATS}; it is {port}")}


def _image_layout(port: Port) -> str | None:
    if port.dtype not in set(ImageType):
        return None
    for layout in IMAGE_LAYOUTS.get(len(port.shape), ()):
        if port.shape[layout.index("C")] in (1, 3):
            return layout
    return None


def _image_entry(port: Port, layout: str, graph: Graph) -> dict[str, Any]:
    sizes = dict(zip(layout, port.shape, strict=True))
    alone = sum(_image_layout(each) is not None for each in graph.inputs.values()) == 1
    cameras: Any = Guess(["main"]) if alone else Open("the camera of this input")
    if "K" in sizes:
        cameras = Open(f"the {sizes['K'] or ''} cameras, in the order of the axis K")
    return {
        "what": "images",
        "cameras": cameras,
        "layout": layout,
        "height": sizes["H"] or Open("rows of its images"),
        "width": sizes["W"] or Open("columns of its images"),
        "colour": "grey" if sizes["C"] == 1 else Guess("rgb"),
        "divide_by": 1 if port.dtype == "uint8" else Guess(255),
        **(
            {}
            if port.dtype == "uint8"
            else {"mean": Guess([0, 0, 0]), "deviation": Guess([1, 1, 1])}
        ),
        "fit": Guess("letterbox" if "stride" in graph.metadata else "stretch"),
        "dtype": port.dtype,
    }


def output_entries(graph: Graph) -> list[dict[str, Any]]:
    """The decoders of the outputs; one that is open if none is recognised."""
    found = [entry for entry in (_lists(graph), _packed(graph)) if entry][:1]
    found += list(_grids(graph))
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
        count = len(_OURS)
    own_size = any("size" in name.lower() for name in graph.inputs)
    return entry | {
        "format": Guess("xyxy"),
        "unit": Guess("image_pixels" if own_size else "input_pixels"),
        "activation": Guess("sigmoid" if "logit" in scores.name.lower() else "none"),
        "categories": _categories(graph, count),
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
    pairs = names.items() if isinstance(names, dict) else enumerate(names)
    return {int(number): str(name) for number, name in pairs if isinstance(number, int)}


def _categories(graph: Graph, count: int | None) -> Guess | Open:
    """The categories by number; classes that ridealong does not know are null."""
    names: Mapping[int, str] = _names(graph) or _COUNTED.get(count or 0, {})
    if names:
        size = max([*names, (count or 0) - 1]) + 1
        return Guess([_SYNONYMS.get(names.get(n, "").lower()) for n in range(size)])
    if count == len(_OURS):
        return Guess(list(_OURS))
    return Open(f"the category of each of the {count or ''} classes, null for others: {_OURS}")


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


def _surfaces(port: Port, layout: str) -> dict[str, Any]:
    field = "scores" if "C" in layout else "ids"
    count = port.shape[layout.index("C")] if "C" in layout else None
    surfaces = [each.value for each in Surface]
    known = count == len(surfaces)
    return {
        "decoder": "segmentation",
        field: {"output": port.name, "layout": layout},
        "classes": Guess(surfaces) if known else Open(f"the surface of each class: {surfaces}"),
    }


def predictions(
    cameras: Sequence[str] | None, outputs: Sequence[Mapping[str, Any]]
) -> Guess | Open:
    """The predictions of the outputs, if cameras and categories are known."""
    found: list[str] = []
    for entry in outputs:
        classes = entry.get("categories", entry.get("classes"))
        if cameras is None or not isinstance(classes, Guess):
            return Open("what it gives, such as objects/car@main")
        task = "objects" if entry["decoder"] == "boxes" else "segmentation"
        known = [name for name in dict.fromkeys(classes.value) if name]
        found += [f"{task}/{name}@{camera}" for camera in cameras for name in known]
    return Guess(found) if found else Open("what it gives, such as objects/car@main")
