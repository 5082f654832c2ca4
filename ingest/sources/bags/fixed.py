"""Numbers of ROS 2 messages by their place in the bytes, without decoding whole messages.

Most messages of a topic have the same layout: they differ in numbers, not in the lengths of texts.
Where a number is follows from the definition of the type, the length of the message, and the length
of its first text. This holds for types without lists and with at most two texts. The first message
of each layout is decoded whole, which checks it against its definition.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from ingest.sources.bags.decoding import ros_name

Numbers = Callable[[bytes], "tuple[float, ...] | None"]
_CODES = {
    "bool": "?", "int8": "b", "uint8": "B", "byte": "B", "char": "B", "int16": "h",
    "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f",
    "float64": "d",
}  # fmt: skip
_Layout = tuple[struct.Struct, Callable[[Any], Any]]  # the form, and its values in order
_LITTLE = b"\x00\x01"
_HEAD = 4  # bytes before the body; places are aligned from there
_TEXT_LENGTH = slice(_HEAD + 8, _HEAD + 12)  # of a header's frame, which follows the stamp
_MOST_TEXTS = 2


def numbers_of(
    types: Mapping[str, Any], type_name: str, paths: Sequence[str], check: Callable[[bytes], Any]
) -> Numbers:
    """What gives the numbers at these paths of a message; None where the layout is not fixed.

    Args:
        types: The definitions, as rosbags has them.
        type_name: The type; it begins with a header.
        paths: Such as ``twist.linear.x`` or ``covariance.0``; two or more.
        check: Decodes a message whole; raises any error if it does not fit its definition.
    """
    layouts: dict[tuple[int, bytes], _Layout | None] = {}

    def read(data: bytes) -> tuple[float, ...] | None:
        key = len(data), data[_TEXT_LENGTH]
        if key not in layouts:
            check(data)
            layouts[key] = _layout(types, ros_name(type_name), paths, data)
        layout = layouts[key]
        if layout is None or data[:2] != _LITTLE:
            return None
        form, order = layout
        found: tuple[float, ...] = order(form.unpack_from(data))
        return found

    return read


def _layout(
    types: Mapping[str, Any], name: str, paths: Sequence[str], data: bytes
) -> _Layout | None:
    """The form that holds the numbers, and which of its values each path is."""
    try:
        places = {path: (at, code) for path, at, code in _Walk(types, data).fields(name, "")}
        wanted = sorted((places[path], path) for path in paths)
    except LookupError:
        return None
    form, end = "<", 0
    for (at, code), _ in wanted:
        form += f"{at - end}x{code}"
        end = at + struct.calcsize(code)
    position = {path: number for number, (_, path) in enumerate(wanted)}
    return struct.Struct(form), itemgetter(*(position[path] for path in paths))


class _Walk:
    """Goes through the fields of one message, with the lengths of its texts."""

    def __init__(self, types: Mapping[str, Any], data: bytes) -> None:
        self._types, self._data = types, data
        self._at = self._texts = 0

    def fields(self, name: str, path: str) -> Iterator[tuple[str, int, str]]:
        """Path, place and code of each number; raises `LookupError` for what is not fixed."""
        for field, description in self._types[name][1]:
            yield from self._field(description, f"{path}.{field}" if path else field)

    def _field(self, description: Any, path: str) -> Iterator[tuple[str, int, str]]:
        kind, detail = description[0].name, description[1]
        if kind == "NAME":
            yield from self.fields(detail, path)
        elif kind == "ARRAY":
            for number in range(detail[1]):
                yield from self._field(detail[0], f"{path}.{number}")
        elif kind == "BASE" and detail[0] in _CODES:
            code = _CODES[detail[0]]
            at = self._aligned(struct.calcsize(code))
            self._at = at + struct.calcsize(code)
            yield path, at + _HEAD, code
        elif kind == "BASE" and detail[0] == "string" and self._texts < _MOST_TEXTS:
            self._texts += 1
            at = self._aligned(4)
            (length,) = struct.unpack_from("<I", self._data, at + _HEAD)
            self._at = at + 4 + length
        else:
            raise LookupError(path)

    def _aligned(self, size: int) -> int:
        return -(-self._at // size) * size
