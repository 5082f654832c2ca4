"""A HydraNet as an ONNX graph, with a manifest that describes it.

The graph has a fixed set of cameras and takes one instant at a time. Unlike the model it computes
absent images too, because a graph of fixed sizes is faster; decoders drop their outputs. Its
outputs differ from the model's by rounding alone: at most `TOLERANCE`, for images of the network's
own size.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shadow.networks.hydranet.config import SHOWN
from shadow.networks.hydranet.loading import load_network
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.model import CAMERA_INDEX, HydraNet
from shadow.networks.hydranet.topdown import BEV_CELLS, BEV_HEIGHTS_M, NEAREST_M, cell_centres
from shadow.networks.onnx.manifest import OnnxManifest

TOLERANCE = 1e-3  # of logits, log metres and cells
OPSET = 17
VERSION = "{}.onnx"  # a network of its own: it rounds differently


def export_onnx(manifest: HydraNetManifest, artifact: Path, folder: Path) -> OnnxManifest:
    """Write a HydraNet as ONNX file into a folder, and return its manifest.

    Raises:
        RidealongError: As `shadow.networks.hydranet.loading.load_network`.
    """
    model = load_network(manifest, artifact).model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    graph = ExportedHydraNet(model, manifest)
    content = _traced(graph, manifest)
    described = describe(manifest, hashlib.sha256(content).hexdigest())
    (folder / described.artifact).write_bytes(content)
    return described


class ExportedHydraNet(nn.Module):
    """A HydraNet of fixed cameras; letters as in `shadow.networks.hydranet.model`.

    Calibration is an input: the top-down layout is lifted without taps computed before.
    """

    def __init__(self, model: HydraNet, manifest: HydraNetManifest) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.trunk = model.backbone, model.pyramid, model.trunk
        self.heads = _merged(model.heads) if model.heads else None
        self.channels = {name: head.out_channels for name, head in model.heads.items()}
        # Nodes of the graph are named after attributes, so each part is one.
        if model.lights is not None:
            self.lights_detail, self.lights_merge = model.lights.detail, model.lights.merge
            self.lights_state = model.lights.state
        self.fuses = _fuses(manifest)
        if model.topdown is not None:
            self.topdown_merge, self.topdown_refine = model.topdown.merge, model.topdown.refine
        self.categories = len(model.config.objects)
        self.size = manifest.inputs.height, manifest.inputs.width
        self.light_cameras = [manifest.cameras.index(name) for name in _light_cameras(manifest)]
        ids = torch.tensor([CAMERA_INDEX[name] for name in manifest.cameras])
        self.register_buffer("camera_C", ids)
        centres = np.concatenate([cell_centres(), np.ones((len(cell_centres()), 1))], axis=1)
        self.register_buffer("centres_4P", torch.from_numpy(centres.T.astype(np.float32).copy()))

    def forward(
        self,
        images_1C3HW: Tensor,
        present_1C: Tensor | None = None,
        projection_C34: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The outputs by name, each with a leading axis of one instant."""
        stem_CFHW, stages = self.backbone(images_1C3HW[0], self.camera_C)
        fine_CFhw, coarse_CFhw = self.pyramid(stages)
        found = dict(self._of_heads(self.trunk(fine_CFhw)))
        if self.light_cameras:
            which = self.light_cameras
            both = torch.cat([self.lights_detail(stem_CFHW[which]), fine_CFhw[which]], dim=1)
            found["lights"] = self.lights_state(self.lights_merge(both))[None]
        if self.fuses:
            assert present_1C is not None and projection_C34 is not None
            found["bev"] = self._layers(coarse_CFhw, present_1C[0], projection_C34)
        return found

    def _of_heads(self, trunk_CFhw: Tensor) -> Iterator[tuple[str, Tensor]]:
        if self.heads is None:
            return
        parts = self.heads(trunk_CFhw)[None].split(list(self.channels.values()), dim=2)
        for name, values_1CFhw in zip(self.channels, parts, strict=True):
            if name == "objects":
                yield "heatmap", values_1CFhw[:, :, : self.categories]
                yield "box", values_1CFhw[:, :, self.categories :]
            elif name == "depth":
                yield "log_depth", values_1CFhw[:, :, 0]
            else:
                yield name, values_1CFhw

    def _layers(self, coarse_CFhw: Tensor, present_C: Tensor, projection_C34: Tensor) -> Tensor:
        lifted_PF = self._lifted(coarse_CFhw, present_C, projection_C34)
        cells_ZyxF = lifted_PF.reshape(len(BEV_HEIGHTS_M), *BEV_CELLS, lifted_PF.shape[1])
        merged_1Fyx = self.topdown_merge(cells_ZyxF.permute(0, 3, 1, 2).reshape(1, -1, *BEV_CELLS))
        finer_1Fyx = F.interpolate(merged_1Fyx, scale_factor=2.0, mode="bilinear")
        refined: Tensor = self.topdown_refine(finer_1Fyx)
        return refined

    def _lifted(self, coarse_CFhw: Tensor, present_C: Tensor, projection_C34: Tensor) -> Tensor:
        """As `shadow.networks.hydranet.topdown.lift`, over the pairs V of a camera and a point."""
        cameras, channels, height, width = coarse_CFhw.shape
        points = len(cell_centres())
        x_CP, y_CP, seen_CP = self._projected(projection_C34)
        seen_CP = seen_CP & present_C[:, None]
        pair_V = seen_CP.flatten().nonzero()[:, 0]
        x_V = x_CP.flatten()[pair_V] * width - 0.5
        y_V = y_CP.flatten()[pair_V] * height - 0.5
        left_V, top_V = x_V.floor(), y_V.floor()
        right_V, below_V = x_V - left_V, y_V - top_V
        features = coarse_CFhw.permute(0, 2, 3, 1).reshape(cameras * height * width, channels)
        first_V = torch.div(pair_V, points, rounding_mode="floor") * (height * width)
        read_VF = torch.zeros(1)
        for row_V, down_V in ((top_V, 1 - below_V), (top_V + 1, below_V)):
            for column_V, across_V in ((left_V, 1 - right_V), (left_V + 1, right_V)):
                inside_V = (row_V >= 0) & (row_V < height) & (column_V >= 0) & (column_V < width)
                cell_V = row_V.clamp(0, height - 1) * width + column_V.clamp(0, width - 1)
                weight_V = down_V * across_V * inside_V.float()
                read_VF = read_VF + features[first_V + cell_V.long()] * weight_V[:, None]
        nothing_PF = torch.zeros(points, channels)
        summed_PF = nothing_PF.index_put((pair_V % points,), read_VF, accumulate=True)
        return summed_PF / seen_CP.float().sum(0).clamp(min=1)[:, None]

    def _projected(self, projection_C34: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where the points lie, 0 to 1 over the image, and whether they are in it; ``(C, P)``."""
        height, width = self.size
        at_C3P = projection_C34 @ self.centres_4P  # type: ignore[operator]
        depth_CP = at_C3P[:, 2]
        ahead_CP = depth_CP > NEAREST_M
        divisor_CP = torch.where(ahead_CP, depth_CP, torch.ones_like(depth_CP))
        x_CP, y_CP = at_C3P[:, 0] / divisor_CP / width, at_C3P[:, 1] / divisor_CP / height
        return x_CP, y_CP, ahead_CP & (x_CP > 0) & (x_CP < 1) & (y_CP > 0) & (y_CP < 1)


def _merged(heads: nn.ModuleDict) -> nn.Conv2d:
    """One convolution for all heads: the runtime is slow with few outputs."""
    parts = [head for head in heads.values() if isinstance(head, nn.Conv2d)]
    merged = nn.Conv2d(parts[0].in_channels, sum(part.out_channels for part in parts), 1)
    biases = [part.bias for part in parts if part.bias is not None]
    with torch.no_grad():
        merged.weight.copy_(torch.cat([part.weight for part in parts]))
        assert merged.bias is not None
        merged.bias.copy_(torch.cat(biases))
    return merged


def example_inputs(manifest: HydraNetManifest) -> dict[str, Tensor]:
    """Inputs of the graph by name, all zero."""
    cameras, size = len(manifest.cameras), (manifest.inputs.height, manifest.inputs.width)
    images = {"images": torch.zeros(1, cameras, 3, *size)}
    if not _fuses(manifest):
        return images
    present = torch.ones(1, cameras, dtype=torch.bool)
    return {**images, "present": present, "projection": torch.zeros(cameras, 3, 4)}


def _traced(graph: ExportedHydraNet, manifest: HydraNetManifest) -> bytes:
    """The ONNX file."""
    inputs, content = example_inputs(manifest), io.BytesIO()
    with torch.inference_mode(), warnings.catch_warnings():
        outputs = list(graph(*inputs.values()))
        # torch's newer exporter needs another package, for a graph that it would write alike.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            tuple(inputs.values()),
            content,  # type: ignore[arg-type]
            input_names=list(inputs),
            output_names=outputs,
            opset_version=OPSET,
            dynamo=False,
        )
    return _with_sums(content.getvalue())


def _with_sums(content: bytes) -> bytes:
    """The same graph whose one scatter adds up: the exporter leaves that out."""
    model = onnx.load_model_from_string(content)
    for node in model.graph.node:
        if node.op_type == "ScatterND":
            node.attribute.append(onnx.helper.make_attribute("reduction", "add"))
    return bytes(model.SerializeToString(deterministic=True))


def describe(manifest: HydraNetManifest, sha256: str) -> OnnxManifest:
    """The manifest of the exported graph."""
    version = VERSION.format(manifest.version)
    return OnnxManifest.model_validate(
        {
            **manifest.model_dump(include={"name", "description", "licence", "trained"}),
            "version": version,
            "artifact": f"{manifest.name}-{version}",
            "sha256": sha256,
            "kind": "onnx",
            "inputs": {"rate_hz": manifest.rate_hz, "graph": _inputs(manifest)},
            "outputs": list(_outputs(manifest)),
            "predictions": manifest.predictions,
            "thresholds": manifest.thresholds,
        }
    )


def _inputs(manifest: HydraNetManifest) -> dict[str, Any]:
    images = {
        "what": "images",
        "cameras": manifest.cameras,
        "layout": "NKCHW",
        "height": manifest.inputs.height,
        "width": manifest.inputs.width,
    }
    if not _fuses(manifest):
        return {"images": images}
    projection = {"what": "calibration", "matrix": "projection"}
    return {"images": images, "present": {"what": "present"}, "projection": projection}


def _outputs(manifest: HydraNetManifest) -> Iterator[dict[str, Any]]:
    config = manifest.config
    if config.objects:
        yield {
            "decoder": "heatmap",
            "heatmap": _tap("heatmap", "NKCHW"),
            "offset": _tap("box", "NKCHW", (0, 2)),
            "size": _tap("box", "NKCHW", (2, 4)),
            "size_unit": "log_cells",
            "categories": [each.value for each in config.objects],
        }
    if _light_cameras(manifest):
        yield {
            "decoder": "lights",
            "cameras": _light_cameras(manifest),
            "scores": _tap("lights", "NKCHW"),
            "categories": [each.value for each in SHOWN],
        }
    if config.lanes:
        lines = [each.value for each in config.lanes]
        yield {"decoder": "lanes", "scores": _tap("lanes", "NKCHW"), "categories": lines}
    if config.depth:
        yield {"decoder": "depth", "depth": _tap("log_depth", "NKHW"), "unit": "log_metres"}
    if config.segmentation:
        yield {"decoder": "segmentation", "scores": _tap("segmentation", "NKCHW")}
    if _fuses(manifest):
        layers = [each.value for each in config.bev_layers]
        yield {"decoder": "layers", "scores": _tap("bev", "NCHW"), "layers": layers}


def _tap(output: str, layout: str, values: tuple[int, int] | None = None) -> dict[str, Any]:
    return {"output": output, "layout": layout, "values": values}


def _fuses(manifest: HydraNetManifest) -> bool:
    return any(name.startswith("bev/") for name in manifest.predictions)


def _light_cameras(manifest: HydraNetManifest) -> list[str]:
    lights = {camera.value for camera in manifest.config.lights}
    return [name for name in manifest.cameras if name in lights]
