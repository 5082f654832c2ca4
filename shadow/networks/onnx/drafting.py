"""Drafts the manifest of an ONNX file; what could not be guessed is marked, to be filled in."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from shadow.networks.drafting import RATE_HZ, Draft, Guess, network_name
from shadow.networks.manifest import FileName
from shadow.networks.onnx.files import folder_files
from shadow.networks.onnx.graph import Graph
from shadow.networks.onnx.guessing import input_entry, output_entries, predictions
from shadow.networks.onnx.manifest import Limits
from shadow.networks.onnx.process import GraphProcess, Job


def draft_manifest(path: Path) -> Draft:
    """The draft of the manifest of an ONNX file.

    Raises:
        RidealongError: The file is missing, is not ONNX, or cannot be opened.
    """
    _check_name(path)
    limits = Limits()
    try:
        files = folder_files(path)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    memory = int(limits.memory_gb * 1e9)
    process = GraphProcess(Job(files, "cpu", memory, limits.seconds, path.name))
    process.close()
    graph = process.graph
    ports = {"inputs": graph.inputs, "outputs": graph.outputs}
    found = {side: {n: str(port) for n, port in each.items()} for side, each in ports.items()}
    return Draft(_document(path, graph), found, path.absolute().parent)


def _check_name(path: Path) -> None:
    try:
        TypeAdapter(FileName).validate_python(path.name)
    except ValidationError as error:
        raise RidealongError(
            f"a manifest cannot name the file {path.name!r}",
            expected="letters, digits, '.', '_' and '-', the first a letter or digit",
            hint="rename it",
        ) from error


def _document(path: Path, graph: Graph) -> dict[str, Any]:
    inputs = {port.name: input_entry(port, graph) for port in graph.inputs.values()}
    outputs = output_entries(graph)
    cameras = next((e["cameras"] for e in inputs.values() if "cameras" in e), None)
    known = cameras.value if isinstance(cameras, Guess) else None
    return {
        "name": network_name(path.stem),
        "version": "1.0",
        "description": Guess(graph.metadata.get("description") or f"The network of {path.name}."),
        "licence": Guess(graph.metadata.get("license") or "not stated"),
        "trained": Guess("not stated"),
        "artifact": path.name,
        "sha256": sha256_of(path),
        **({"data": {n: sha256_of(path.parent / n) for n in graph.files}} if graph.files else {}),
        "kind": "onnx",
        "inputs": {"rate_hz": Guess(RATE_HZ), "batch": 1, "graph": inputs},
        "outputs": outputs,
        "predictions": predictions(known, outputs),
    }
