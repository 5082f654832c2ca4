"""YAML files to frozen specs: one file, one pydantic model, and errors that name the line."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ingest.errors import RidealongError


class Spec(BaseModel):
    """A frozen specification; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Spec)


def nearest(name: str, known: list[str]) -> str:
    """Say which known name the user may have meant: ``"did you mean 'x'?"``, or list them all."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(sorted(known)[:40])


def load_spec(path: Path, kind: type[S]) -> S:
    """Read one YAML file as one spec.

    Raises:
        RidealongError: The file is missing, is no YAML mapping, or does not fit the spec; the
            message names the first offending key and its line.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    except UnicodeDecodeError as error:
        raise RidealongError("not UTF-8 text", where=path, expected="a YAML file") from error
    return parse_spec(text, kind, where=path)


def parse_spec(text: str, kind: type[S], where: str | Path) -> S:
    """Read YAML text as one spec; ``where`` names it in errors.

    Raises:
        RidealongError: As for `load_spec`.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        problem = getattr(error, "problem", None) or "not YAML"
        raise RidealongError(f"not valid YAML ({problem})", where=place) from error
    if not isinstance(document, Mapping):
        raise RidealongError(
            f"holds a {type(document).__name__}", where=where, expected="a YAML mapping of keys"
        )
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise _first_problem(error, kind, text, where) from error


def _first_problem(
    error: ValidationError, kind: type[Spec], text: str, where: str | Path
) -> RidealongError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"] if part != "[key]")
    place = f"{where}:{_line_of(first['loc'], text)}" if first["loc"] else where
    if first["type"] == "extra_forbidden":
        hint = nearest(str(first["loc"][-1]), _keys_at(first["loc"][:-1], kind))
        return RidealongError(f"unknown key {key!r}", where=place, mend=hint)
    if first["type"] == "missing":
        return RidealongError(f"the key {key!r} is missing", where=place)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] != "value_error" and isinstance(first["input"], int | float | str):
        message += f", not {first['input']!r}"
    return RidealongError(f"{key}: {message}" if key else message, where=place)


def _keys_at(loc: tuple[int | str, ...], kind: type[BaseModel]) -> list[str]:
    """The keys that the (nested) model at ``loc`` knows."""
    for part in loc:
        field = kind.model_fields.get(str(part))
        inner = field.annotation if field else None
        options = [inner, *getattr(inner, "__args__", ())]
        models = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
        if not models:
            break
        kind = models[0]
    return list(kind.model_fields)


def _line_of(loc: tuple[int | str, ...], text: str) -> int:
    """The line (from 1) of the deepest part of ``loc`` that stands in the YAML ``text``."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
