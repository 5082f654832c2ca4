"""A network's forms compared: torch, the same as ONNX, and 8-bit integers.

Camera sets a second of the bare networks on one core: no decoding of video, no decoding of outputs.
Rounds of all forms alternate. Processor time is measured, so that other work on the machine counts
as little as possible.

Torch gets the sets in a batch, as in a replay; the exported graph takes one at a time.

Ranges come from made-up images. They decide what the integers mean, and not how long they take.

Run as ``python -m benchmarks.networks [--rounds N] [--network ID]``.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch

from ridealong.perception.geometry import mounted_camera
from shadow.networks.exporting import write_onnx
from shadow.networks.hydranet.loading import load_network
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.topdown import make_sampling
from shadow.networks.onnx.filling import matrix_of
from shadow.networks.onnx.inputs import Matrix
from shadow.networks.onnx.loading import job_of
from shadow.networks.onnx.manifest import OnnxManifest
from shadow.networks.onnx.network import OnnxNetwork
from shadow.networks.onnx.quantizing.process import Quantized, QuantizingProcess
from shadow.networks.onnx.worker import options_of_one_thread
from shadow.networks.opening import load_manifest
from shadow.networks.probing import ProbeClip
from shadow.networks.registry import shipped_manifests

TARGET = 1.8
SETS = 8  # of a batch of torch
YAWS_DEG = {  # of the shipped networks' cameras
    "left_pillar": 60.0,
    "right_pillar": -60.0,
    "left_repeater": 150.0,
    "right_repeater": -150.0,
    "rear": 180.0,
}
FIELDS_DEG = {"narrow": 35.0, "main": 50.0, "wide": 120.0}  # of view; others have 80
Form = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--network", default="hydra-1.1", help="a shipped network")
    options = parser.parse_args()
    path = next(p for p in shipped_manifests() if p.parent.name == options.network)
    manifest = load_manifest(path)
    assert isinstance(manifest, HydraNetManifest)
    with tempfile.TemporaryDirectory() as scratch:
        report(manifest, path.parent, Path(scratch), options.rounds)


def report(manifest: HydraNetManifest, folder: Path, scratch: Path, rounds: int) -> None:
    torch.set_num_threads(1)
    weights = folder / manifest.artifact
    exact = write_onnx(manifest, weights, scratch)
    assert isinstance(exact, OnnxManifest)
    clip = made_up(manifest)
    quantized = quantized_by(exact, scratch / exact.artifact, clip)
    inputs = inputs_of(exact, clip)
    forms: dict[str, Form] = {
        "torch": torch_form(manifest, weights, clip, bf16=False),
        "torch, bfloat16": torch_form(manifest, weights, clip, bf16=True),
        "ONNX Runtime": onnx_form((scratch / exact.artifact).read_bytes(), inputs),
        "ONNX Runtime, inputs bound": bound_form((scratch / exact.artifact).read_bytes(), inputs),
        "ONNX Runtime, INT8": onnx_form(quantized.content, inputs),
    }
    took = measured(forms, rounds)
    float_s = took["ONNX Runtime"]
    print(f"{manifest.id}, {len(manifest.cameras)} cameras, one core, median of {rounds} rounds.\n")
    print("| form | ms for a camera set | sets a second | times ONNX Runtime |\n|---|---|---|---|")
    for name, seconds in took.items():
        print(f"| {name} | {seconds * 1e3:.1f} | {1 / seconds:.0f} | {float_s / seconds:.2f} |")
    ratio = float_s / took["ONNX Runtime, INT8"]
    result = "met" if ratio >= TARGET else "MISSED"
    print(f"\nINT8 against float, both ONNX Runtime: {ratio:.2f} (target: {TARGET}: {result}).")
    print(
        f"\n{where_time_goes((scratch / exact.artifact).read_bytes(), quantized.content, inputs)}"
    )


def made_up(manifest: HydraNetManifest) -> ProbeClip:
    """Camera sets of coarse noise, seen by cameras that look around the vehicle."""
    random = np.random.default_rng(0)
    height, width, sets = manifest.inputs.height, manifest.inputs.width, SETS
    coarse = {
        name: random.integers(0, 256, (sets, height // 8, width // 8, 3), dtype=np.uint8)
        for name in manifest.cameras
    }
    frames = {name: each.repeat(8, axis=1).repeat(8, axis=2) for name, each in coarse.items()}
    calibrations = {
        name: mounted_camera(
            name,
            width,
            height,
            FIELDS_DEG.get(name, 80.0),
            YAWS_DEG.get(name, 0.0),
            5.0,
            (1.5, 0.0, 1.4),
        )
        for name in manifest.cameras
    }
    return ProbeClip("made-up", frames, np.arange(sets) * 200_000_000, calibrations)


def quantized_by(manifest: OnnxManifest, graph: Path, clip: ProbeClip) -> Quantized:
    job = job_of(manifest, graph, "cpu")
    with closing(QuantizingProcess(job, manifest.inputs.images)) as process:
        clip.perceived_by(OnnxNetwork(manifest, process))
        return process.quantized()


def inputs_of(manifest: OnnxManifest, clip: ProbeClip) -> dict[str, Any]:
    """One camera set as the graph takes it."""
    images = np.stack([clip.frames[name][0] for name in manifest.cameras])
    projection = [matrix_of(Matrix.PROJECTION, manifest.inputs, clip, n) for n in manifest.cameras]
    return {
        "images": np.ascontiguousarray(np.moveaxis(images, -1, 1)[None].astype(np.float32) / 255),
        "present": np.ones((1, len(manifest.cameras)), bool),
        "projection": np.array(projection, np.float32),
    }


def torch_form(manifest: HydraNetManifest, weights: Path, clip: ProbeClip, bf16: bool) -> Form:
    """As replays run it: channels last, normalisation folded into kernels."""
    model = load_network(manifest, weights).model
    images = np.stack([clip.frames[name] for name in manifest.cameras], axis=1)
    tensor = (torch.from_numpy(images).float() / 255).permute(0, 1, 4, 2, 3)
    present = torch.ones(tensor.shape[:2], dtype=torch.bool)
    sampling = make_sampling(manifest.cameras, clip.calibrations)

    def run() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return model(tensor, present, manifest.cameras, sampling)

    return run


def onnx_form(content: bytes, inputs: Mapping[str, Any]) -> Form:
    session = ort.InferenceSession(content, options_of_one_thread())
    return lambda: [session.run(None, dict(inputs)) for _ in range(SETS)]


def bound_form(content: bytes, inputs: Mapping[str, Any]) -> Form:
    """Inputs and outputs stay where they are, so nothing is copied or allocated for a run."""
    session = ort.InferenceSession(content, options_of_one_thread())
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
    for port, array in zip(session.get_outputs(), session.run(None, dict(inputs)), strict=True):
        binding.bind_ortvalue_output(port.name, ort.OrtValue.ortvalue_from_numpy(array))
    return lambda: [session.run_with_iobinding(binding) for _ in range(SETS)]


def measured(forms: Mapping[str, Form], rounds: int) -> dict[str, float]:
    """Median processor time of each form for a camera set, in seconds."""
    found: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(rounds + 3):
        for name, run in forms.items():
            started = time.thread_time()
            run()
            if number >= 3:
                found[name].append((time.thread_time() - started) / SETS)
    return {name: statistics.median(each) for name, each in found.items()}


def where_time_goes(exact: bytes, quantized: bytes, inputs: Mapping[str, Any]) -> str:
    """What layers take in a run of both graphs, and what the rest takes."""
    layers, everything = profiled(exact, inputs)
    layers_int8, everything_int8 = profiled(quantized, inputs)
    return (
        f"Convolutions take {layers:.1f} ms in float and {layers_int8:.1f} ms in INT8: they are "
        f"{layers / layers_int8:.1f} times as fast. The rest takes {everything - layers:.1f} ms in "
        f"float and {everything_int8 - layers_int8:.1f} ms in INT8: the top-down layout is lifted "
        "and features are resized as before, and numbers are rounded and restored."
    )


def profiled(content: bytes, inputs: Mapping[str, Any]) -> tuple[float, float]:
    """Milliseconds of convolutions, and of all nodes: the least of 40 runs of each node."""
    options = options_of_one_thread()
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = f"{folder}/profile"
        session = ort.InferenceSession(content, options)
        for _ in range(40):
            session.run(None, dict(inputs))
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    least: dict[tuple[str, str], float] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            key = event["name"], event["args"]["op_name"]
            least[key] = min(event["dur"] / 1e3, least.get(key, np.inf))
    layers = sum(each for (_, kind), each in least.items() if "Conv" in kind)
    return layers, sum(least.values())


if __name__ == "__main__":
    main()
