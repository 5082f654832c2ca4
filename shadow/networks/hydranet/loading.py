"""From a manifest and its weights to an open network."""

from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ridealong.errors import RidealongError
from shadow.networks.hydranet.inference import HydraNetwork
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.model import HydraNet
from shadow.networks.hydranet.weights import load_model


def require_device(name: str) -> None:
    """Check that networks can run on a device, before any work starts.

    Raises:
        RidealongError: There is no such device, or torch cannot use it.
    """
    try:
        torch.zeros(1, device=torch.device(name))
    except (RuntimeError, AssertionError) as error:
        raise RidealongError(
            f"cannot run on device {name!r}", expected="cpu, or cuda where torch sees a GPU"
        ) from error
    if torch.device(name).type not in ("cpu", "cuda"):
        raise RidealongError(f"device {name!r} is not supported", expected="cpu or cuda")


def load_network(
    manifest: HydraNetManifest, weights_path: Path, device: str | torch.device = "cpu"
) -> HydraNetwork:
    """Load a network for inference.

    Raises:
        RidealongError: The weights are a pickle or ``.pt2``, are missing, do not have the hash in
            the manifest, or do not fit its config.
    """
    return make_network(manifest, load_model(manifest, weights_path), device)


def make_network(
    manifest: HydraNetManifest, model: HydraNet, device: str | torch.device = "cpu"
) -> HydraNetwork:
    """Prepare a model for inference: fold its normalisation into its kernels, in place."""
    model.eval()
    fold_normalisation(model)
    place = torch.device(device)
    model = model.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return HydraNetwork(manifest, model, place)


def fold_normalisation(model: nn.Module) -> None:
    """Merge every batch normalisation into the convolution before it: a third less time."""
    for module in model.modules():
        if isinstance(module, nn.Sequential):
            _fold_sequence(module)


def _fold_sequence(sequence: nn.Sequential) -> None:
    for index in range(1, len(sequence)):
        before, here = sequence[index - 1], sequence[index]
        if isinstance(before, nn.Conv2d) and isinstance(here, nn.BatchNorm2d):
            sequence[index - 1] = fuse_conv_bn_eval(before, here)
            sequence[index] = nn.Identity()
