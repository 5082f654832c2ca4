"""HydraNet: one backbone for all cameras, a head per task, and one top-down layout of all cameras.

- **Backbone.** Every image goes through the same backbone, similar to RegNet-X, and a feature
  pyramid.
- **Heads** share a trunk on the finest level of the pyramid (stride 4). With a 3x3 convolution
  each, the heads would cost more than everything before them.
- **Lights** are a few pixels wide, so their head also uses the stem (stride 2).
- **Top-down layout.** For each cell there are two points: on the ground, and one metre above it.
  The head samples the level of stride 8 where these points project into each camera.
- **Cameras.** A learnt bias after the stem tells the network which camera an image is from. Without
  it, the scale of depth would be unknown, because lenses differ.
- **Absent images** are not computed. Their outputs are zeros, and `present` marks them.

Legend of dimension letters, used as suffixes of tensors:
    B time steps, C cameras, N images that are present (of B x C), F features,
    H W input pixels, h w cells of stride 4, K object categories, S shown states of a light,
    L lane categories, U surfaces, Y top-down layers, P points = heights x top-down cells,
    y x top-down cells, 2 the coordinates (across, down)
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ridealong.perception.annotations import Surface
from shadow.networks.hydranet.config import SHOWN, HydraNetCamera, HydraNetConfig
from shadow.networks.hydranet.topdown import BEV_CELLS, BEV_HEIGHTS_M, Sampling, lift

NEVER = -20.0  # the logit of what is not searched for
CAMERA_INDEX = {camera.value: index for index, camera in enumerate(HydraNetCamera)}


@dataclass(frozen=True)
class HydraOutput:
    """The outputs of the heads before decoding; None where the network has no such head.

    Attributes:
        present_BC: Which images were present.
        heatmap_BCKhw: Logits of "an object's centre is in this cell".
        box_BC4hw: Offset of the centre from the cell's top left corner (across, down) and
            log size (width, height), all in cells.
        lights_BCShw: Logits of "our light is in this cell and has this state"; `NEVER` in
            cameras that the config does not name under ``lights``.
        lanes_BCLhw: Logits of "a line passes through this cell".
        log_depth_BChw: Logarithm of metres along the optical axis.
        segmentation_BCUhw: Logits of the surfaces.
        bev_BYyx: Logits of the top-down layers.
    """

    present_BC: Tensor
    heatmap_BCKhw: Tensor | None = None
    box_BC4hw: Tensor | None = None
    lights_BCShw: Tensor | None = None
    lanes_BCLhw: Tensor | None = None
    log_depth_BChw: Tensor | None = None
    segmentation_BCUhw: Tensor | None = None
    bev_BYyx: Tensor | None = None

    def float(self) -> "HydraOutput":
        """The same in float32; autocast may have given another type."""
        return HydraOutput(
            self.present_BC,
            *(None if t is None else t.float() for t in self._heads()),
        )

    def _heads(self) -> "list[Tensor | None]":
        return [getattr(self, field.name) for field in fields(self)[1:]]


class HydraNet(nn.Module):
    """The network; see the module's docstring for the letters.

    `forward` takes images in 0 to 1 and gives a `HydraOutput`.
    """

    def __init__(self, config: HydraNetConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = _Backbone(config)
        self.pyramid = _Pyramid(config)
        self.trunk = nn.Sequential(*_convolution(config.pyramid, config.trunk, 3))
        self.heads = nn.ModuleDict(
            {
                name: nn.Conv2d(config.trunk, channels, 1)
                for name, channels in _head_channels(config).items()
            }
        )
        self.lights = _Lights(config) if config.lights else None
        self.topdown = _TopDown(config) if config.bev else None

    def forward(
        self,
        images_BC3HW: Tensor,
        present_BC: Tensor,
        cameras: Sequence[str],
        sampling: Sampling | None = None,
    ) -> HydraOutput:
        """Run all heads on all images that are present.

        Args:
            images_BC3HW: RGB in 0 to 1; H and W are multiples of 32.
            present_BC: Boolean; where False the image is ignored.
            cameras: The C cameras by name.
            sampling: Where top-down cells lie in the images. Without it there is no top-down
                layout.
        """
        mask_N = present_BC.flatten()
        camera_N = _camera_ids(cameras, present_BC)[mask_N]
        stem_NFHW, stages = self.backbone(_present(images_BC3HW, present_BC), camera_N)
        fine_NFhw, coarse_NFhw = self.pyramid(stages)
        trunk_NFhw = self.trunk(fine_NFhw)
        heads = {name: _spread(head(trunk_NFhw), present_BC) for name, head in self.heads.items()}
        if self.lights is not None:
            heads["lights"] = _spread(self.lights(stem_NFHW, fine_NFhw, camera_N), present_BC)
        bev = None
        if self.topdown is not None and sampling is not None:
            coarse_NhwF = coarse_NFhw.permute(0, 2, 3, 1)  # its order in memory: no copy
            bev = self.topdown(_spread(coarse_NhwF, present_BC), present_BC, sampling)
        return _named(heads, present_BC, len(self.config.objects), bev)


def parameter_count(model: nn.Module) -> int:
    """The number of learnt parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def _camera_ids(cameras: Sequence[str], present_BC: Tensor) -> Tensor:
    ids = torch.tensor([CAMERA_INDEX[name] for name in cameras], device=present_BC.device)
    return ids.expand(present_BC.shape).flatten()


def _present(values_BCx: Tensor, present_BC: Tensor) -> Tensor:
    """``(N, ...)`` of ``(B, C, ...)``: the images present; no copy if all of them are."""
    values_Nx = values_BCx.flatten(0, 1)
    return values_Nx if present_BC.all() else values_Nx[present_BC.flatten()]


def _spread(values_Nx: Tensor, present_BC: Tensor) -> Tensor:
    """``(N, ...)`` of the images present as ``(B, C, ...)``, zero for absent images."""
    batch, cameras = present_BC.shape
    # The layout in memory is always the same, because sums over another one round differently.
    spread = values_Nx.contiguous()
    if len(values_Nx) != batch * cameras:
        spread = values_Nx.new_zeros(batch * cameras, *values_Nx.shape[1:])
        spread[present_BC.flatten()] = values_Nx
    return spread.reshape(batch, cameras, *values_Nx.shape[1:])


def _named(
    heads: dict[str, Tensor], present_BC: Tensor, categories: int, bev_BYyx: Tensor | None
) -> HydraOutput:
    objects, depth = heads.get("objects"), heads.get("depth")
    return HydraOutput(
        present_BC,
        heatmap_BCKhw=None if objects is None else objects[:, :, :categories],
        box_BC4hw=None if objects is None else objects[:, :, categories:],
        lights_BCShw=heads.get("lights"),
        lanes_BCLhw=heads.get("lanes"),
        log_depth_BChw=None if depth is None else depth[:, :, 0],
        segmentation_BCUhw=heads.get("segmentation"),
        bev_BYyx=bev_BYyx,
    )


def _head_channels(config: HydraNetConfig) -> dict[str, int]:
    channels = {
        "objects": len(config.objects) + 4 if config.objects else 0,
        "lanes": len(config.lanes),
        "depth": int(config.depth),
        "segmentation": len(Surface) if config.segmentation else 0,
    }
    return {name: count for name, count in channels.items() if count}


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> tuple[nn.Module, nn.Module, nn.Module]:
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Block(nn.Module):
    """RegNet-X: 1x1, grouped 3x3, 1x1, around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, group_width: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            *_convolution(inputs, outputs, 1),
            *_convolution(outputs, outputs, 3, stride, outputs // group_width),
            *_convolution(outputs, outputs, 1)[:2],
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(*_convolution(inputs, outputs, 1, stride)[:2])

    def forward(self, x_NFhw: Tensor) -> Tensor:
        return F.relu(self.way(x_NFhw).add_(self.shortcut(x_NFhw)), inplace=True)


def _stage(inputs: int, outputs: int, depth: int, stride: int, group_width: int) -> nn.Sequential:
    """Blocks of one width; the first one reduces the size by the stride."""
    first = _Block(inputs, outputs, stride, group_width)
    return nn.Sequential(
        first, *(_Block(outputs, outputs, 1, group_width) for _ in range(depth - 1))
    )


class _CameraBias(nn.Module):
    """A learnt number per camera and channel.

    It is not an `nn.Embedding`, whose random initialisation on the meta device imports torch's
    compiler (2 s).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(len(HydraNetCamera), channels))

    def forward(self, camera_N: Tensor) -> Tensor:
        return F.embedding(camera_N, self.weight)


class _Backbone(nn.Module):
    def __init__(self, config: HydraNetConfig) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(3, config.stem, 3, 2)[:2])
        self.camera_bias = _CameraBias(config.stem)
        first = config.widths[0]
        # A block of stride 2 would have its widest features at half the image's size, where they
        # cost more than all other layers. A plain convolution reduces to stride 4 instead.
        self.down = nn.Sequential(*_convolution(config.stem, first, 3, 2))
        sizes = zip((first, *config.widths), config.widths, config.depths, strict=False)
        self.stages = nn.ModuleList(
            _stage(source, width, depth, 2 if number else 1, config.group_width)
            for number, (source, width, depth) in enumerate(sizes)
        )

    def forward(self, images_N3HW: Tensor, camera_N: Tensor) -> tuple[Tensor, list[Tensor]]:
        centred_N3HW = torch.add(images_N3HW.new_tensor(-2.0), images_N3HW, alpha=4)
        bias_NF11 = self.camera_bias(camera_N)[:, :, None, None]
        stem_NFHW = F.relu(self.stem(centred_N3HW).add_(bias_NF11), inplace=True)
        x_NFhw, features = self.down(stem_NFHW), []
        for stage in self.stages:
            x_NFhw = stage(x_NFhw)
            features.append(x_NFhw)
        return stem_NFHW, features


class _Pyramid(nn.Module):
    """Adds coarse features to finer ones, and gives the levels of stride 4 and 8.

    The finest level is not smoothed here, because the trunk's convolution does it.
    """

    def __init__(self, config: HydraNetConfig) -> None:
        super().__init__()
        width = config.pyramid
        self.lateral = nn.ModuleList(nn.Conv2d(inputs, width, 1) for inputs in config.widths)
        self.smooth = nn.Sequential(*_convolution(width, width, 3))

    def forward(self, stages: list[Tensor]) -> tuple[Tensor, Tensor]:
        levels = [lateral(stage) for lateral, stage in zip(self.lateral, stages, strict=True)]
        for i in reversed(range(len(levels) - 1)):
            levels[i] = levels[i] + F.interpolate(levels[i + 1], scale_factor=2.0)
        return levels[0], self.smooth(levels[1])


class _Lights(nn.Module):
    """The place and state of our traffic light, from the fine stem and the pyramid."""

    def __init__(self, config: HydraNetConfig) -> None:
        super().__init__()
        width = config.pyramid
        ids = [CAMERA_INDEX[camera.value] for camera in config.lights]
        looks = torch.zeros(len(HydraNetCamera), dtype=torch.bool)
        looks[ids] = True
        self.register_buffer("looks", looks, persistent=False)
        self.detail = nn.Sequential(*_convolution(config.stem, width, 3, 2))
        self.merge = nn.Sequential(*_convolution(2 * width, width, 3))
        self.state = nn.Conv2d(width, len(SHOWN), 1)

    def forward(self, stem_NFHW: Tensor, fine_NFhw: Tensor, camera_N: Tensor) -> Tensor:
        mask_N = self.looks[camera_N]  # type: ignore[index]
        both = torch.cat([self.detail(stem_NFHW[mask_N]), fine_NFhw[mask_N]], dim=1)
        state_NShw = self.state(self.merge(both))
        shape = (len(mask_N), *state_NShw.shape[1:])
        logits_NShw: Tensor = state_NShw.new_full(shape, NEVER)
        logits_NShw[mask_N] = state_NShw
        return logits_NShw


class _TopDown(nn.Module):
    """Lifts features to cells of the ground, averages over cameras, refines at twice the grid."""

    def __init__(self, config: HydraNetConfig) -> None:
        super().__init__()
        width = config.pyramid
        self.merge = nn.Sequential(*_convolution(width * len(BEV_HEIGHTS_M), width, 3))
        self.refine = nn.Sequential(
            *_convolution(width, width, 3), nn.Conv2d(width, len(config.bev_layers), 1)
        )

    def forward(self, features_BChwF: Tensor, present_BC: Tensor, sampling: Sampling) -> Tensor:
        lifted_BPF = lift(features_BChwF, present_BC, sampling)
        # Channels are heights x features, and last in memory, which suits the convolutions.
        batch, _, width = lifted_BPF.shape
        cells_BZyxF = lifted_BPF.reshape(batch, len(BEV_HEIGHTS_M), *BEV_CELLS, width)
        merged_BFyx = self.merge(cells_BZyxF.permute(0, 2, 3, 1, 4).flatten(3).permute(0, 3, 1, 2))
        finer_BFyx = F.interpolate(merged_BFyx, scale_factor=2.0, mode="bilinear")
        refined: Tensor = self.refine(finer_BFyx)
        return refined
