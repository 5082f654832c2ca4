"""The process that reads and runs one graph: ``python -m shadow.networks.onnx.worker``.

It gets a first message that says what to open, and then one for each run. It ends when its input
ends. Its memory is limited, and it may write no file.
"""

import math
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort

from shadow.networks.onnx.reading import (
    GraphError,
    Weights,
    files_named,
    opset_of,
    parameters_of,
    read_graph,
    weights_elsewhere,
)
from shadow.networks.onnx.wire import Array, receive, send

TYPES = {
    "float": "float32",
    "float16": "float16",
    "double": "float64",
    **{name: name for name in ("bool", "int8", "int16", "int32", "int64")},
    **{name: name for name in ("uint8", "uint16", "uint32", "uint64")},
}
FATAL = 4  # ONNX Runtime's severity: errors are raised, so nothing is printed

# What ONNX Runtime says, and what we say instead: what is wrong, and what is expected.
KNOWN = (
    (
        r"Opset (\d+) is under development.* for domain (\S+) is till opset (\d+)",
        "needs opset {0} of the operators of {1}",
        "at most {2}",
    ),
    (
        r"[Uu]nsupported model IR version: (\d+), max supported IR version: (\d+)",
        "is written in version {0} of ONNX's format",
        "at most {1}",
    ),
    (
        r"No Op registered for (\S+) with domain_version of (\d+)",
        "has the operator {0}, which ONNX Runtime lacks at opset {1}",
        None,
    ),
    (
        r"Could not find an implementation for (\w+)\((\d+)\)",
        "has the operator {0} (of opset {1}), which ONNX Runtime cannot run with these types",
        None,
    ),
)


class Opened(Protocol):
    """What a worker has opened."""

    def answer(
        self, header: dict[str, Any], arrays: dict[str, Array]
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """The reply to a message."""


def main() -> None:
    """Run a graph until the input ends."""
    serve(_open)


def serve(open_it: Callable[[dict[str, Any]], tuple[Opened, dict[str, Any]]]) -> None:
    """Answer messages until the input ends; the first one says what to open.

    Args:
        open_it: Opens it, and says what it is. What it raises is the reply to the first message.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the command, which ends this
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not be taken for a message
    try:
        request, _ = receive(requests)
        try:
            opened, about = open_it(request)
        except Exception as error:
            send(replies, {"error": _described(error, "cannot be opened by ONNX Runtime")}, {})
            return
        send(replies, {"graph": about}, {})
        while True:
            send(replies, *_answer(opened, *receive(requests)))
    except (EOFError, BrokenPipeError):
        sys.exit(0)


def _open(request: dict[str, Any]) -> "tuple[_Session, dict[str, Any]]":
    limit(request)
    content = content_of(request["graph"])
    model = read_graph(content)
    weights = weights_elsewhere(model, request["data"])
    about = about_model(model)
    del model
    opened = _session(content, mapped(weights, request["data"]), request)
    return opened, about | ports_of(opened.session)


def about_model(model: Any) -> dict[str, Any]:
    """What is known of a graph without opening it; see `shadow.networks.onnx.graph.Graph`."""
    return {
        "parameters": parameters_of(model),
        "opset": opset_of(model),
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
        "files": files_named(model),
    }


def ports_of(session: Any) -> dict[str, Any]:
    """The inputs and outputs of an open graph."""
    return {"inputs": _ports(session.get_inputs()), "outputs": _ports(session.get_outputs())}


@dataclass(frozen=True)
class _Session:
    """An open graph, and its weights from other files, which must live as long."""

    session: Any
    weights: dict[str, Any]

    def answer(
        self, header: dict[str, Any], arrays: dict[str, Array]
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        """Run it once."""
        return {}, run(self.session, header["outputs"], arrays)


def content_of(part: Sequence[Any]) -> bytes:
    """The bytes of a file, or of a part of one."""
    path, start, size = part
    with Path(path).open("rb") as file:
        file.seek(start)
        return file.read(size)


def mapped(weights: list[Weights], data: dict[str, Sequence[Any]]) -> dict[str, Any]:
    """Weights from other files as arrays, mapped into memory."""
    found = {}
    for each in weights:
        path, start, size = data[each.file]
        length = each.dtype.itemsize * math.prod(each.shape)
        if each.start + length > size:
            raise GraphError(f"needs more of {each.file!r} than its {size} bytes")
        found[each.name] = np.memmap(path, each.dtype, "r", start + each.start, each.shape)
    return found


def limit(request: dict[str, Any], file_bytes: int = 0) -> None:
    """Limit what this process may use, and the size of the files that it may write."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if request["device"] == "cpu":  # a CUDA driver reserves addresses without end, and keeps caches
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + int(request["memory_bytes"])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def options_of_one_thread() -> Any:
    """The options of a session that gives the same numbers every time."""
    options = ort.SessionOptions()
    options.log_severity_level = FATAL
    # One thread: sums that are split over threads round differently, and the machine's cores are
    # busy with other clips.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    if not _has_vnni():
        # Sums of 8-bit products would overflow silently. Where they cannot, this costs half as much
        # again, for the same numbers.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def _has_vnni() -> bool:
    """Whether the processor has instructions for sums of 8-bit products."""
    with suppress(OSError):
        return "vnni" in Path("/proc/cpuinfo").read_text("ascii", errors="replace")
    return False


def _session(content: bytes, arrays: dict[str, Any], request: dict[str, Any]) -> _Session:
    options = options_of_one_thread()
    weights = {name: ort.OrtValue.ortvalue_from_numpy(each) for name, each in arrays.items()}
    providers: list[Any] = ["CPUExecutionProvider"]
    kind, _, number = request["device"].partition(":")
    if kind == "cuda":
        limits = {
            "device_id": int(number or 0),
            "gpu_mem_limit": int(request["memory_bytes"]),
            "cudnn_conv_algo_search": "DEFAULT",  # a search by time would choose another each time
        }
        providers.insert(0, ("CUDAExecutionProvider", limits))
    if weights:
        options.add_external_initializers(list(weights), list(weights.values()))
    session = ort.InferenceSession(content, options, providers=providers)
    if kind == "cuda" and "CUDAExecutionProvider" not in session.get_providers():
        raise GraphError("cannot run on CUDA", hint="ONNX Runtime finds no CUDA or no cuDNN")
    return _Session(session, weights)


def _ports(nodes: Any) -> list[list[Any]]:
    ports = []
    for node in nodes:
        kind = node.type.removeprefix("tensor(").removesuffix(")")
        shape = [size if isinstance(size, int) else None for size in node.shape]
        ports.append([node.name, TYPES.get(kind, node.type), shape])
    return ports


def run(session: Any, outputs: list[str], arrays: dict[str, Array]) -> dict[str, Array]:
    """Some outputs of a graph, by name."""
    found = session.run(outputs, arrays)
    return {name: np.asarray(each) for name, each in zip(outputs, found, strict=True)}


def _answer(
    opened: Opened, header: dict[str, Any], arrays: dict[str, Array]
) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        return opened.answer(header, arrays)
    except Exception as error:
        return {"error": _described(error, "cannot be run")}, {}


def _described(error: Exception, doing: str) -> dict[str, str | None]:
    if isinstance(error, GraphError):
        return {"what": error.what, "expected": error.expected, "hint": error.hint}
    text = _plain(str(error))
    lowered = text.lower()
    if isinstance(error, MemoryError) or any(
        words in lowered
        for words in ("bad_alloc", "bad allocation", "failed to allocate", "std::length")
    ):
        return {"what": "needs more memory than its limit", "expected": None, "hint": "memory"}
    for words, what, expected in KNOWN:
        if found := re.search(words, text):
            said = [part and part.format(*found.groups()) for part in (what, expected)]
            return {"what": said[0], "expected": said[1], "hint": None}
    return {"what": f"{doing} ({text[:300]})", "expected": None, "hint": None}


def _plain(text: str) -> str:
    """A message of ONNX Runtime, without its codes and without places in its source."""
    text = " ".join(text.split())
    text = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    inner = r"(?:[^()]|\([^()]*\))*"
    return re.sub(rf"\S+\.(?:cc|h|cpp):\d+ [^()]*\({inner}\)(?: const)? ", "", text)


if __name__ == "__main__":
    main()
