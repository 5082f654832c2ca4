"""Drafts the manifest of an ONNX file; what could not be guessed is marked, to be filled in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from ridealong.errors import RidealongError
from ridealong.hashing import sha256_of
from shadow.networks.manifest import FileName
from shadow.networks.onnx.files import folder_files
from shadow.networks.onnx.graph import Graph
from shadow.networks.onnx.guessing import Guess, Open, input_entry, output_entries, predictions
from shadow.networks.onnx.manifest import FILL_IN, Limits
from shadow.networks.onnx.process import GraphProcess, Job

HEADER = f"""\
# Written by `ridealong networks init`. docs/network-contract.md explains every key.
# {FILL_IN}: what could not be guessed; `ridealong networks add` refuses it.
# guessed: look whether it is right for your network.
"""
RATE_HZ = 5


@dataclass(frozen=True)
class Draft:
    """A manifest in the making.

    Attributes:
        text: YAML.
        network: The id that the network will have.
        left_open: The keys that are left to fill in, with what is asked for.
        guessed: The keys that were guessed, with their values.
        graph: What the graph takes and gives.
    """

    text: str
    network: str
    left_open: dict[str, str]
    guessed: dict[str, Any]
    graph: Graph


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
    document = _document(path, process.graph)
    leaves = dict(_leaves(document, ""))
    return Draft(
        text=HEADER + "\n".join(_lines(document, 0)) + "\n",
        network=f"{document['name']}-{document['version']}",
        left_open={key: leaf.what for key, leaf in leaves.items() if isinstance(leaf, Open)},
        guessed={key: leaf.value for key, leaf in leaves.items() if isinstance(leaf, Guess)},
        graph=process.graph,
    )


def write_draft(draft: Draft, file: Path, out: Path) -> None:
    """Write a draft beside its ONNX file.

    Raises:
        RidealongError: It exists already, is elsewhere, or cannot be written.
    """
    if out.absolute().parent.resolve() != file.absolute().parent.resolve():
        raise RidealongError(
            "a manifest lies beside its network",
            where=out,
            expected=f"a file in {file.absolute().parent}",
        )
    try:
        with out.open("x", encoding="utf-8") as target:
            target.write(draft.text)
    except FileExistsError as error:
        raise RidealongError(
            "exists already", where=out, hint="remove it, or choose another --out"
        ) from error
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=out) from error


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
    name = re.sub(r"[^a-z0-9_]+", "_", path.stem.lower()).strip("_")[:64]
    name = name if re.match(r"[a-z]", name) else f"network_{name}"[:64]
    inputs = {port.name: input_entry(port, graph) for port in graph.inputs.values()}
    outputs = output_entries(graph)
    cameras = next((e["cameras"] for e in inputs.values() if "cameras" in e), None)
    known = cameras.value if isinstance(cameras, Guess) else None
    return {
        "name": name,
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


def _leaves(value: object, key: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _leaves(inner, f"{key}.{at}")
    else:
        yield key, value


def _lines(mapping: Mapping[str, Any], indent: int) -> Iterator[str]:
    """The lines of a YAML mapping; what holds neither mappings nor comments is on one line."""
    pad = " " * indent
    for key, value in mapping.items():
        name = f"{pad}{_flow(key)}:"
        if isinstance(value, dict) and not _is_plain(value):
            yield name
            yield from _lines(value, indent + 2)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield name
            for item in value:
                first, *rest = _lines(item, indent + 2)
                yield f"{pad}- {first.lstrip()}"
                yield from rest
        else:
            yield f"{name} {_leaf(value)}"


def _is_plain(mapping: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, Guess | Open | dict) for value in mapping.values())


def _leaf(value: object) -> str:
    if isinstance(value, Open):
        return f"{FILL_IN}  # {' '.join(value.what.split())}"
    if isinstance(value, Guess):
        return f"{_flow(value.value)}  # guessed"
    return _flow(value)


def _flow(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    )
    return text.strip().removesuffix("...").strip()
