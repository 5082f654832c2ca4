"""Drafts of manifests, as `networks init` writes them: guesses and open entries are marked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ridealong.errors import RidealongError
from shadow.networks.manifest import FILL_IN

HEADER = f"""\
# Written by `ridealong networks init`. docs/network-contract.md explains every key.
# {FILL_IN}: what could not be guessed; `ridealong networks add` refuses it.
# guessed: check that it is right for your network.
"""
RATE_HZ = 5  # a guess


@dataclass(frozen=True)
class Guess:
    """A value that a user should look at."""

    value: Any


@dataclass(frozen=True)
class Open:
    """A value that a user must fill in, and what is asked for."""

    what: str


@dataclass(frozen=True)
class Draft:
    """A manifest in the making.

    Attributes:
        document: Its keys and values; a value may be a `Guess` or `Open`.
        found: What was found about the network, for the user.
        folder: Where the manifest must lie; None if it may lie anywhere.
    """

    document: Mapping[str, Any]
    found: Mapping[str, Any]
    folder: Path | None = None

    @property
    def network(self) -> str:
        """The id that the network will have."""
        return f"{self.document['name']}-{self.document['version']}"

    @property
    def left_open(self) -> dict[str, str]:
        """The keys that are left to fill in, with what is asked for."""
        leaves = _leaves(self.document, "")
        return {key: leaf.what for key, leaf in leaves if isinstance(leaf, Open)}

    @property
    def guessed(self) -> dict[str, Any]:
        """The keys that were guessed, with their values."""
        leaves = _leaves(self.document, "")
        return {key: leaf.value for key, leaf in leaves if isinstance(leaf, Guess)}

    @property
    def text(self) -> str:
        """It as YAML."""
        return HEADER + "\n".join(_lines(self.document, 0)) + "\n"


def network_name(text: str) -> str:
    """The name of a network, made from that of a file or an entry point."""
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")[:64]
    return name if re.match(r"[a-z]", name) else f"network_{name}"[:64]


def write_draft(draft: Draft, out: Path) -> None:
    """Write a draft.

    Raises:
        RidealongError: The file exists already, is in another folder than the network, or cannot be
            written.
    """
    if draft.folder is not None and out.absolute().parent.resolve() != draft.folder.resolve():
        raise RidealongError(
            "a manifest must be in its network's folder",
            where=out,
            expected=f"a file in {draft.folder}",
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
        name = f"{pad}{flow(key)}:"
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
        return f"{flow(value.value)}  # guessed"
    return flow(value)


def flow(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    )
    return text.strip().removesuffix("...").strip()
