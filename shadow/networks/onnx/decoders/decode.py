"""Chooses the decoder of an output."""

from collections.abc import Callable, Mapping
from typing import Any

from shadow.networks.onnx.decoders.boxes import decode_boxes, decode_heatmap
from shadow.networks.onnx.decoders.boxes3d import decode_boxes3d
from shadow.networks.onnx.decoders.dense import decode_depths, decode_layers, decode_surfaces
from shadow.networks.onnx.decoders.lanes import decode_lane_map, decode_lane_points
from shadow.networks.onnx.decoders.scene import Decoded, Scene
from shadow.networks.onnx.decoders.states import decode_scores
from shadow.networks.onnx.outputs import GraphOutput
from shadow.networks.onnx.wire import Array

DECODERS: dict[str, Callable[[Any, Mapping[str, Array], Scene], Decoded]] = {
    "boxes": decode_boxes,
    "heatmap": decode_heatmap,
    "lights": decode_scores,
    "class_scores": decode_scores,
    "lanes": decode_lane_map,
    "lane_points": decode_lane_points,
    "depth": decode_depths,
    "segmentation": decode_surfaces,
    "layers": decode_layers,
    "boxes3d": decode_boxes3d,
}


def decode(output: GraphOutput, arrays: Mapping[str, Array], scene: Scene) -> Decoded:
    """The standard forms of an output's arrays, which have the axes of its `Output.AXES`.

    Raises:
        RidealongError: The arrays do not fit the decoder.
    """
    return DECODERS[output.decoder](output, arrays, scene)
