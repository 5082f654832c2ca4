"""Parses YAML text to plain values, each with its line.

It reads the core of YAML 1.2: mappings with text as keys, lists, text, numbers, ``true``, ``false``
and ``null``, with anchors, aliases and ``<<``. So ``NO`` is a country and ``1:30`` is text; in YAML
1.1 they are false and 90. Duplicate keys and tags are mistakes.

Size, depth and aliases are limited while the text is read, so nothing larger is ever built.
"""

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from ridealong.errors import RidealongError

LARGEST_BYTES = 2**20
DEEPEST = 32
MOST_NODES = 100_000  # with every alias written out
LARGEST_INTEGER = 2**63 - 1
LONGEST_SHOWN = 60  # characters of a value or a key in a message

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = {
    word: value
    for value, words in ((True, "true True TRUE"), (False, "false False FALSE"))
    for word in words.split()
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# libyaml is many times faster; PyYAML's own parser gives the same result.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Node:
    """One value of a document.

    Attributes:
        value: Text, number, flag, None, nodes by key, or a list of nodes.
        line: From 1; for a value in a mapping, the line of its key.
        text: A scalar as it was written, without quotes.
        size: How many nodes it has, with aliases written out.
        broken: A fault was found in it and reported.
    """

    value: "str | int | float | bool | dict[str, Node] | list[Node] | None"
    line: int
    text: str = ""
    size: int = 1
    broken: bool = False

    @property
    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value


@dataclass(frozen=True)
class Document:
    """A document, and those mistakes in it that do not make the rest unreadable."""

    root: Node
    faults: tuple[RidealongError, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the outermost mapping that have a value."""
        assert isinstance(self.root.value, dict)
        return frozenset(key for key, node in self.root.value.items() if node.value is not None)


def read_text(path: Path) -> str:
    """The text of one regular file of at most `LARGEST_BYTES`.

    Raises:
        RidealongError: It cannot be read, is not a regular file, is too large, or is not UTF-8.
    """
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RidealongError("not UTF-8 text", where=path, expected="a YAML file") from error


def read_bytes(path: Path) -> bytes:
    """The bytes of one regular file of at most `LARGEST_BYTES`.

    Raises:
        RidealongError: It cannot be read, is not a regular file, or is too large.
    """
    try:
        # Checked first: opening a pipe waits for a writer, and reading a device never ends.
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise RidealongError(f"is {kind}", where=path, expected="a file")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    if len(content) > LARGEST_BYTES:
        raise RidealongError(
            "is too large", where=path, expected=f"at most {LARGEST_BYTES // 1024} KiB"
        )
    return content


def parse_document(text: str, where: str | Path) -> Document:
    """Parse YAML text that contains one mapping; ``where`` names it in errors.

    Raises:
        RidealongError: It is not YAML or not one mapping, or it is too large or nested too deep.
    """
    if len(text) > LARGEST_BYTES:
        raise RidealongError(
            "is too large", where=where, expected=f"at most {LARGEST_BYTES // 1024} KiB"
        )
    composer = _Composer(text, where)
    try:
        root = composer.document()
    except yaml.YAMLError as error:
        raise _syntax_error(error, text, where) from error
    if not isinstance(root.value, dict):
        raise RidealongError(
            "is empty" if root.value is None else f"holds {kind_of(root)}",
            where=where,
            expected="a YAML mapping of keys",
        )
    return Document(root, tuple(composer.faults))


def kind_of(node: Node) -> str:
    """What a node is, in the user's terms."""
    names: Mapping[type, str] = {
        dict: "keys and values",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "nothing",
    }
    return names[type(node.value)]


def shortened(text: str) -> str:
    """The user's text, cut to fit a message."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def _syntax_error(error: yaml.YAMLError, text: str, where: str | Path) -> RidealongError:
    mark = getattr(error, "problem_mark", None)
    position = getattr(error, "position", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    place: str | Path = where
    if mark is not None:
        place = f"{where}:{mark.line + 1}:{mark.column + 1}"
    elif isinstance(position, int):
        line = text.encode()[:position].count(b"\n") + 1
        place = f"{where}:{line}"
    at_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
    hint = "indent with spaces, not with tabs" if at_tab else None
    return RidealongError(f"not valid YAML ({problem})", where=place, hint=hint)


class _Composer:
    """Makes nodes from the parser's events for one text."""

    def __init__(self, text: str, where: str | Path) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._where = where
        self._anchors: dict[str, Node | None] = {}  # None: not complete yet
        self.faults: list[RidealongError] = []

    def document(self) -> Node:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Node(None, 1)
        root = self._node(next(self._events), 0)
        next(self._events)  # the document's end
        following = next(self._events)
        if not isinstance(following, yaml.StreamEndEvent):
            raise self._error(following, "a second document begins here", "one document")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._error(event, "nested too deep", f"at most {DEEPEST} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._tagged(event, self._content(event, depth))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return self._scalar(event)

    def _aliased(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise self._error(event, f"there is no anchor &{shortened(event.anchor)} above")
        node = self._anchors[event.anchor]
        if node is None:
            raise self._error(event, f"*{shortened(event.anchor)} contains itself")
        return node

    def _tagged(self, event: Any, node: Node) -> Node:
        if event.tag is None:
            return node
        hint = "leave it out, or put a text that begins with '!' in quotes"
        self._fault(event, f"{shortened(event.tag)!r} is read as a tag of YAML", hint=hint)
        return replace(node, broken=True)

    def _sequence(self, start: Any, depth: int) -> Node:
        items: list[Node] = []
        size = 1
        for event in self._until(yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
            size = self._grown(event, size + items[-1].size)
        return Node(items, _line(start), size=size)

    def _mapping(self, start: Any, depth: int) -> Node:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        size = 1
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            size = self._grown(event, size + key.size + value.size)
            if isinstance(key.value, dict | list):
                self._fault(event, f"{kind_of(key)} cannot be a key", "a text")
            elif key.text == "<<" and _is_plain(event):
                self._merge(event, value, merged)
            elif key.text in own:
                what = f"duplicate key {shortened(key.text)!r}"
                self._fault(event, what, hint=f"see line {own[key.text].line}")
            else:
                own[key.text] = replace(value, line=_line(event))
        return Node({**merged, **own}, _line(start), size=size)

    def _merge(self, event: Any, value: Node, merged: dict[str, Node]) -> None:
        """Add what ``<<`` refers to; if several mappings have a key, the first one counts."""
        for part in value.value if isinstance(value.value, list) else [value]:
            if isinstance(part.value, dict):
                merged.update({k: v for k, v in part.value.items() if k not in merged})
            else:
                self._fault(event, f"'<<' brings in {kind_of(part)}", "keys and values")

    def _scalar(self, event: Any) -> Node:
        node = Node(event.value, _line(event), event.value)
        return self._resolved(event, node) if _is_plain(event) else node

    def _resolved(self, event: Any, node: Node) -> Node:
        """The number, flag, null or text that a scalar without quotes means."""
        text = node.text
        if text in _NULLS:
            return replace(node, value=None)
        if text in _FLAGS:
            return replace(node, value=_FLAGS[text])
        if _INTEGER.fullmatch(text):
            return self._integer(event, node)
        if _NOT_FINITE.fullmatch(text):
            return replace(node, value=float(text.replace(".", "", 1)))
        return replace(node, value=float(text)) if _FLOAT.fullmatch(text) else node

    def _integer(self, event: Any, node: Node) -> Node:
        base = {"0o": 8, "0x": 16}.get(node.text[:2], 10)
        # The length is checked first: the time to parse digits grows with their square.
        value = int(node.text, base) if len(node.text) < 80 else LARGEST_INTEGER + 1
        if abs(value) <= LARGEST_INTEGER:
            return replace(node, value=value)
        what = f"{shortened(node.text)} is too large a whole number"
        self._fault(event, what, f"at most {LARGEST_INTEGER}")
        return replace(node, broken=True)

    def _until(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _grown(self, event: Any, size: int) -> int:
        if size > MOST_NODES:
            raise self._error(
                event, "too many values, aliases written out", f"at most {MOST_NODES}"
            )
        return size

    def _fault(
        self, event: Any, what: str, expected: str | None = None, hint: str | None = None
    ) -> None:
        self.faults.append(self._error(event, what, expected, hint))

    def _error(
        self, event: Any, what: str, expected: str | None = None, hint: str | None = None
    ) -> RidealongError:
        where = f"{self._where}:{_line(event)}"
        return RidealongError(what, where=where, expected=expected, hint=hint)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _is_plain(event: Any) -> bool:
    """Whether it is a scalar without quotes; an alias is not, even if its anchor is."""
    return isinstance(event, yaml.ScalarEvent) and event.style in (None, "")
