"""Reading weights: only safetensors, with the expected hash and the expected shapes.

A pickle (``.pt``, ``.pth``, ``.pkl``, ``.ckpt``) can run any code when it is opened, and so can a
crafted ``.pt2``. Both are refused by their suffix and by their content, without opening them.
"""

import hashlib
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ridealong.errors import RidealongError
from ridealong.specs import nearest
from shadow.networks.hashes import check_hash
from shadow.networks.hydranet.config import HydraNetConfig
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.model import HydraNet

PICKLE_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")
ZIP_MAGIC = b"PK\x03\x04"
PICKLE_PROTOCOLS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
COUNTER = "num_batches_tracked"  # of batch normalisation: a count, not a weight
HINT = "save its state_dict with safetensors.torch.save_file"


def read_weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read a safetensors file whose hash is known.

    Raises:
        RidealongError: The file is a pickle or ``.pt2``, is missing, has another hash, or is not
            safetensors.
    """
    _refuse_suffix(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    check_hash(hashlib.sha256(content).hexdigest(), sha256, path)
    return parse_weights(content, path)


def load_model(manifest: HydraNetManifest, weights_path: Path) -> HydraNet:
    """Make the manifest's model with its weights.

    Raises:
        RidealongError: As for `read_weights` and `check_weights`.
    """
    weights = read_weights(weights_path, manifest.sha256)
    check_weights(weights, shapes_of(manifest.config), weights_path)
    model = HydraNet(manifest.config)
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, strict=False)
    return model


def parse_weights(content: bytes, where: Path) -> dict[str, Tensor]:
    """Read the tensors from the bytes of a safetensors file.

    Raises:
        RidealongError: The file is a pickle, a zip of ``torch.save`` or ``torch.export``, or
            something else that is not safetensors.
    """
    # The length in a safetensors header may look like the start of a pickle: the brace decides.
    if content[8:9] != b"{":
        _refuse_content(content, where)
    try:
        return dict(safetensors.torch.load(content))
    except (SafetensorError, KeyError, ValueError) as error:
        raise RidealongError(f"not a safetensors file ({error})", where=where, hint=HINT) from error


def shapes_of(config: HydraNetConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of such a network, in order, without allocating them."""
    with torch.device("meta"):
        state = HydraNet(config).state_dict()
    return {name: tuple(t.shape) for name, t in state.items() if not name.endswith(COUNTER)}


def check_weights(
    weights: dict[str, Tensor], expected: dict[str, tuple[int, ...]], where: Path
) -> None:
    """Check names, shapes and values of weights.

    Raises:
        RidealongError: A weight is missing, unexpected, of another shape, or not finite.
    """
    for name, shape in expected.items():
        if name not in weights:
            raise RidealongError(
                f"the weight {name!r} is missing ({len(expected.keys() - weights.keys())} are)",
                where=where,
                hint="give the manifest the config that the weights were trained with",
            )
        _check_tensor(name, weights[name], shape, where)
    for name in weights:
        if name not in expected and not name.endswith(COUNTER):
            raise RidealongError(
                f"the weight {name!r} is unexpected",
                where=where,
                hint=nearest(name, list(expected)),
            )


def _check_tensor(name: str, tensor: Tensor, shape: tuple[int, ...], where: Path) -> None:
    if tuple(tensor.shape) != shape:
        raise RidealongError(
            f"the weight {name!r} has shape {list(tensor.shape)}",
            where=where,
            expected=f"{list(shape)} by the manifest's config",
        )
    if not tensor.is_floating_point():
        raise RidealongError(
            f"the weight {name!r} holds {str(tensor.dtype).removeprefix('torch.')}",
            where=where,
            expected="floating point numbers",
        )
    if not bool(torch.isfinite(tensor).all()):
        raise RidealongError(f"the weight {name!r} holds NaN or infinity", where=where)


def _refuse_suffix(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix == ".pt2":
        raise _refusal("a .pt2 program", path)
    if suffix in PICKLE_SUFFIXES:
        raise _refusal(f"a pickle ({suffix})", path)


def _refuse_content(content: bytes, where: Path) -> None:
    if content.startswith(ZIP_MAGIC):
        raise _refusal("a zip archive, as torch.save and torch.export write them,", where)
    if content.startswith(PICKLE_PROTOCOLS):
        raise _refusal("a pickle", where)


def _refusal(what: str, where: Path) -> RidealongError:
    return RidealongError(
        f"{what} can run code when it is opened, and is refused",
        where=where,
        expected="a safetensors file",
        hint=HINT,
    )
