"""Messages between ridealong and the process that runs a graph: a JSON header, then arrays.

No pickle: the process has read a stranger's file, so nothing that it sends may run code here.
"""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LENGTH = struct.Struct("<Q")
LONGEST_HEADER = 16 * 2**20
LARGEST = 8 * 2**30  # of one message's arrays, in bytes
_WIDTHS = (8, 16, 32, 64)
DTYPES = frozenset(
    ["bool", *(f"{sign}int{n}" for sign in ("", "u") for n in _WIDTHS)]
    + [f"float{n}" for n in _WIDTHS[1:]]
)


def send(stream: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write a message."""
    solid = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    about = [[name, str(array.dtype), array.shape] for name, array in solid.items()]
    text = json.dumps({**header, "arrays": about}).encode()
    stream.write(LENGTH.pack(len(text)) + text)
    for array in solid.values():
        stream.write(array.data.cast("B") if array.size else b"")
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read a message.

    Raises:
        EOFError: The other side is gone.
        ValueError: It is not a message.
    """
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    if length > LONGEST_HEADER:
        raise ValueError("the header of a message is too long")
    header = json.loads(_exactly(stream, length))
    if not isinstance(header, dict):
        raise ValueError("the header of a message is not an object")
    arrays, left = {}, LARGEST
    for name, dtype, shape in header.pop("arrays"):
        array = _empty(dtype, shape, left)
        left -= array.nbytes
        _fill(stream, array)
        arrays[name] = array
    return header, arrays


def _empty(dtype: str, shape: list[int], most: int) -> Array:
    if dtype not in DTYPES or any(size < 0 for size in shape):
        raise ValueError(f"an array of {dtype} {shape}")
    size = np.dtype(dtype).itemsize
    for length in shape:
        size *= length
    if size > most:
        raise ValueError("the arrays of a message are too large")
    return np.empty(shape, dtype)


def _fill(stream: IO[bytes], array: Array) -> None:
    view = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
    done = 0
    while done < len(view):
        read = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not read:
            raise EOFError
        done += read


def _exactly(stream: IO[bytes], length: int) -> bytes:
    found = stream.read(length)
    if len(found) < length:
        raise EOFError
    return found
