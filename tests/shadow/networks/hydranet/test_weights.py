import hashlib
import io
import os
import pickle
import struct
import zipfile

import pytest
import safetensors.torch
import torch

from ridealong.errors import RidealongError
from shadow.networks.hydranet.initialise import initialise
from shadow.networks.hydranet.loading import fold_normalisation
from shadow.networks.hydranet.model import HydraNet
from shadow.networks.hydranet.weights import check_weights, parse_weights, read_weights, shapes_of
from tests.oracles.networks import open_folder

REFUSED = "can run code when it is opened, and is refused; expected a safetensors file; "
SAVE = "save its state_dict with safetensors.torch.save_file"


class Evil:
    """Unpickling one of these runs code: it makes a folder."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def pickled(protocol=4):
    return lambda evil: pickle.dumps(evil, protocol)


def zipped(name):
    def make(evil):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, pickle.dumps(evil))
        return buffer.getvalue()

    return make


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def marker(tmp_path):
    """A folder that is there once a crafted file has run."""
    return tmp_path / "it ran"


@pytest.mark.parametrize(
    ("name", "craft", "what"),
    [
        pytest.param("w.pt2", zipped("w/archive_format"), "a .pt2 program", id="pt2"),
        pytest.param("w.pt", zipped("w/data.pkl"), "a pickle (.pt)", id="pt"),
        pytest.param("w.PTH", pickled(), "a pickle (.pth)", id="PTH"),
        pytest.param("w.pkl", pickled(), "a pickle (.pkl)", id="pkl"),
        pytest.param("w.ckpt", pickled(), "a pickle (.ckpt)", id="ckpt"),
        pytest.param(
            "w.safetensors",
            zipped("w/data.pkl"),
            "a zip archive, as torch.save and torch.export write them,",
            id="zip in disguise",
        ),
        *(
            pytest.param("w.safetensors", pickled(n), "a pickle", id=f"pickle {n} in disguise")
            for n in (2, 3, 4, 5)
        ),
    ],
)
def test_what_can_run_code_is_never_opened(tmp_path, marker, name, craft, what):
    content, path = craft(Evil(marker)), tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RidealongError) as caught:
        read_weights(path, sha256(content))
    assert str(caught.value) == f"{path}: {what} {REFUSED}{SAVE}"
    assert not marker.exists()


def test_the_crafted_pickle_would_have_run(marker):
    pickle.loads(pickled()(Evil(marker)))
    assert marker.exists()


def test_a_pickle_of_protocol_0_is_no_safetensors_file(tmp_path, marker):
    with pytest.raises(RidealongError, match="not a safetensors file"):
        parse_weights(pickled(0)(Evil(marker)), tmp_path)
    assert not marker.exists()


def test_a_real_torch_file_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(RidealongError, match="a zip archive"):
        read_weights(path, sha256(path.read_bytes()))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello, world", id="text"),
        pytest.param(struct.pack("<Q", 1 << 60) + b"{", id="endless header"),
        pytest.param(struct.pack("<Q", 2) + b"{x", id="header that is no JSON"),
        pytest.param(safetensors.torch.save({"a": torch.zeros(9)})[:-4], id="cut short"),
    ],
)
def test_what_is_no_safetensors_file(tmp_path, content):
    with pytest.raises(RidealongError) as caught:
        parse_weights(content, tmp_path / "w")
    assert str(caught.value).startswith(f"{tmp_path / 'w'}: not a safetensors file (")
    assert str(caught.value).endswith(SAVE)


def test_a_header_as_long_as_a_pickle_looks_is_read(tmp_path):
    # 0x280 bytes of header: the file begins as a pickle of protocol 2 does.
    content = safetensors.torch.save({"a": torch.zeros(1)})
    length = struct.unpack("<Q", content[:8])[0]
    padded = struct.pack("<Q", 0x280) + content[8 : 8 + length].ljust(0x280) + content[8 + length :]
    assert padded.startswith(b"\x80\x02")
    assert parse_weights(padded, tmp_path)["a"].tolist() == [0.0]


def test_another_hash(tmp_path, marker):
    path = tmp_path / "w.safetensors"
    content = pickled()(Evil(marker))
    path.write_bytes(content)
    with pytest.raises(RidealongError) as caught:
        read_weights(path, "0" * 64)
    assert str(caught.value) == (
        f"{path}: the file's sha256 is {sha256(content)}; expected {'0' * 64}, as in the manifest;"
        " fetch the file again, or correct the manifest if the file is the right one"
    )
    assert not marker.exists()


def test_no_file(tmp_path):
    with pytest.raises(RidealongError, match="No such file or directory"):
        read_weights(tmp_path / "w.safetensors", "0" * 64)


def broken(tiny, **changes):
    weights = initialise(tiny, 1) | changes
    return {name: tensor for name, tensor in weights.items() if tensor is not None}


STEM = "backbone.stem.0.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({STEM: None}, f"the weight '{STEM}' is missing (1 are)", id="missing"),
        pytest.param(
            {STEM: torch.zeros(16, 1, 3, 3)},
            f"the weight '{STEM}' has shape [16, 1, 3, 3]; expected [16, 3, 3, 3]"
            " by the manifest's config",
            id="shape",
        ),
        pytest.param(
            {"heads.lane.bias": torch.zeros(2)},
            "the weight 'heads.lane.bias' is unexpected; did you mean 'heads.lanes.bias'?",
            id="unexpected",
        ),
        pytest.param(
            {STEM: torch.zeros(16, 3, 3, 3, dtype=torch.int8)},
            f"the weight '{STEM}' holds int8; expected floating point numbers",
            id="integers",
        ),
        pytest.param(
            {STEM: torch.full((16, 3, 3, 3), float("nan"))},
            f"the weight '{STEM}' holds NaN or infinity",
            id="NaN",
        ),
    ],
)
def test_weights_that_do_not_fit(tmp_path, tiny, changes, message):
    with pytest.raises(RidealongError) as caught:
        check_weights(broken(tiny, **changes), shapes_of(tiny), tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: {message}")


def test_a_manifest_with_another_config_than_the_weights(write_network, tiny):
    path = write_network()
    text = path.read_text().replace("pyramid: 16", "pyramid: 32")
    path.write_text(text)
    with pytest.raises(RidealongError, match=r"has shape .* expected .* by the manifest's config"):
        open_folder(path)


def test_half_precision_and_counters_are_taken(tiny):
    weights = {name: tensor.half() for name, tensor in initialise(tiny, 1).items()}
    weights["backbone.stem.1.num_batches_tracked"] = torch.tensor(7)
    check_weights(weights, shapes_of(tiny), "w")


def test_folding_changes_nothing_but_the_last_bits(tiny):
    model = HydraNet(tiny)
    generator = torch.Generator().manual_seed(3)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            drawn = torch.rand(tensor.shape, generator=generator)
            tensor.copy_(drawn + 0.5 if name.endswith("running_var") else drawn - 0.4)
    model.eval()
    arguments = torch.rand(1, 1, 3, 64, 96, generator=generator), torch.ones(1, 1, dtype=bool)
    with torch.inference_mode():
        before = model(*arguments, ["main"])
        fold_normalisation(model)
        after = model(*arguments, ["main"])
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())
    torch.testing.assert_close(before.box_BC4hw, after.box_BC4hw, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(before.lights_BCShw, after.lights_BCShw, rtol=1e-3, atol=1e-3)
