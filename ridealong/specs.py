"""YAML files as frozen specs: one file is one pydantic model, and errors name the line."""

import difflib
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ridealong.documents import (
    Node,
    kind_of,
    parse_document,
    read_bytes,
    read_text,
    shortened,
)
from ridealong.errors import RidealongError, each, together

MOST_FAULTS = 20  # reported for one file
MOST_NAMES = 40  # in a list of the known ones

Place = tuple[int | str, ...]  # the keys and indices that lead to a value


class Spec(BaseModel):
    """A frozen specification; unknown keys and numbers that are not finite are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def clashes(cls, keys: Container[str]) -> Iterator[str]:
        """What is wrong with this combination of keys, independent of their values.

        These mistakes are reported together with invalid values. A validator of the model would
        run only after all values are valid.
        """
        yield from ()

    @model_validator(mode="after")
    def _no_clash(self) -> Self:
        given = {key for key in self.model_fields_set if getattr(self, key) is not None}
        for clash in self.clashes(given):
            raise ValueError(clash)
        return self


S = TypeVar("S", bound=Spec)


def _calendar_day(value: object) -> object:
    """A day, given as text; pydantic would also accept a number, as seconds since 1970."""
    if isinstance(value, date):
        return value
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        raise ValueError(f"{_shown(value)} is not a day; expected one like 2027-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(
            f"{value} is not in the calendar; expected a day like 2027-01-31"
        ) from error


Day = Annotated[date, BeforeValidator(_calendar_day)]


def nearest(name: str, known: list[str]) -> str:
    """A hint: the known name that the user may have meant, or a list of the known names."""
    close = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f", and {len(known) - MOST_NAMES:,} more" if len(known) > MOST_NAMES else ""
    return "known: " + ", ".join(map(shortened, sorted(known)[:MOST_NAMES])) + more


def load_spec(path: Path, kind: type[S], context: object = None) -> S:
    """Read one YAML file as one spec; its validators get the context.

    Raises:
        RidealongError: The file is missing, not a regular file or too large, is not a YAML mapping,
            or does not match the spec. It reports every mistake, with its key and its line.
    """
    return parse_spec(read_text(path), kind, path, context)


def parse_spec(text: str, kind: type[S], where: str | Path, context: object = None) -> S:
    """Read YAML text as one spec; ``where`` names it in errors, and its validators get the context.

    Raises:
        RidealongError: As for `load_spec`.
    """
    document = parse_document(text, where)
    faults = list(document.faults)
    try:
        spec = kind.model_validate(document.root.plain, context=context)
        faults += _flags_for_numbers(document.root, spec, where, ())
    except ValidationError as error:
        faults += _problems(error, kind, document.root, where)
        known = {str(fault) for fault in faults}
        clashes = (RidealongError(clash, where=where) for clash in kind.clashes(document.keys))
        faults += [clash for clash in clashes if str(clash) not in known]
    if faults:
        raise _together(faults, where)
    return spec


def load_json_spec(path: Path, kind: type[S]) -> S:
    """Read one JSON file, written by a program, as one spec.

    Raises:
        RidealongError: As for `load_spec`, without lines.
    """
    try:
        return kind.model_validate_json(read_bytes(path))
    except ValidationError as error:
        raise _together(list(_problems(error, kind, None, path)), path) from error


def _together(faults: Sequence[RidealongError], where: str | Path) -> RidealongError:
    """The first faults of one file, in the order of its lines, and how many more there are."""
    ordered = sorted(faults, key=lambda fault: _line_number(str(fault.where)))
    rest = len(ordered) - MOST_FAULTS
    more = [RidealongError(f"and {rest} more mistakes", where=where)] if rest > 0 else []
    return together([*ordered[:MOST_FAULTS], *more])


def _line_number(where: str) -> int:
    line = where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


def _problems(
    error: ValidationError, kind: type[Spec], root: Node | None, where: str | Path
) -> Iterator[RidealongError]:
    """The faults that pydantic found, without those that reading the text has reported."""
    found = error.errors(include_url=False)
    for details in found:
        details["loc"] = _without_tags(details["loc"], kind)[0]
    below = {one["loc"][:end] for one in found for end in range(len(one["loc"]))}
    for details in found:
        node = _deepest(root, details["loc"])
        is_reported = node is not None and node.broken
        # If a list is too short only because an item in it is invalid, that is not another mistake.
        if is_reported or (details["type"] == "too_short" and details["loc"] in below):
            continue
        place = f"{where}:{node.line}" if node is not None and details["loc"] else where
        yield from _problem(details, kind, root, node, place)


def _problem(
    details: ErrorDetails,
    kind: type[Spec],
    root: Node | None,
    node: Node | None,
    place: str | Path,
) -> Iterator[RidealongError]:
    loc = details["loc"]
    key = shortened(".".join(_keys(root, loc)))
    cause = getattr(details.get("ctx", {}).get("error"), "__cause__", None)
    if details["type"] == "union_tag_not_found":
        yield RidealongError(f"the key {_tag_key(key, details)!r} is missing", where=place)
    elif details["type"] == "union_tag_invalid":
        tag, known = str(details["ctx"]["tag"]), str(details["ctx"]["expected_tags"])
        what = f"{_tag_key(key, details)}: unknown {shortened(tag)!r}"
        hint = nearest(tag, re.findall(r"'([^']*)'", known))
        yield RidealongError(what, where=place, hint=hint)
    elif details["type"] == "extra_forbidden":
        hint = nearest(str(loc[-1]), _keys_at(loc[:-1], kind))
        yield RidealongError(f"unknown key {key!r}", where=place, hint=hint)
    elif details["type"] == "missing":
        yield RidealongError(f"the key {key!r} is missing", where=place)
    elif isinstance(cause, RidealongError):
        for one in each(cause):
            yield RidealongError(f"{key}: {one}" if key else str(one), where=place)
    else:
        message = _message(details, node)
        yield RidealongError(f"{key}: {message}" if key else message, where=place)


def _tag_key(key: str, details: ErrorDetails) -> str:
    """The key that tells apart what a value may be, such as ``inputs.graph.images.what``."""
    return f"{key}.{str(details['ctx']['discriminator']).strip(chr(39))}"


def _message(details: ErrorDetails, node: Node | None) -> str:
    """Pydantic's message, with the value as the user wrote it."""
    message = details["msg"].removeprefix("Value error, ")
    value = details["input"]
    if details["type"] == "value_error":
        return message
    if details["type"] == "too_short":
        least, found = details["ctx"]["min_length"], details["ctx"]["actual_length"]
        return f"Input should have at least {least} item{'s' * (least > 1)}, not {found}"
    if details["type"] == "string_type" and node is not None and isinstance(value, int | float):
        return f"{shortened(node.text)} is {kind_of(node)}; put it in quotes: '{node.text[:40]}'"
    if details["type"] in ("model_type", "dict_type"):
        message = "Input should be keys and values"
    if details["type"] in ("tuple_type", "list_type"):
        message = "Input should be a list"
    if isinstance(value, int | float | str) or value is None:
        written = isinstance(value, float) and node is not None and node.text
        return f"{message}, not {shortened(written or _shown(value))}"
    if details["type"].endswith("_type"):
        return f"{message}, not {'a list' if isinstance(value, list) else 'keys and values'}"
    return message


def _shown(value: object) -> str:
    """A value as YAML writes it: text is in quotes."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return shortened(repr(value) if isinstance(value, str) else str(value))


def _keys_at(loc: Place, kind: type[BaseModel]) -> list[str]:
    """The keys of the (nested) model at ``loc``, which may have tags."""
    models = _models(_without_tags(loc, kind)[1]) or [kind]
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _without_tags(loc: Place, kind: type[BaseModel]) -> tuple[Place, Any]:
    """``loc`` without the tags that pydantic adds for tagged unions, and the type that is there."""
    kept: list[int | str] = []
    known: Any = kind
    for part in loc:
        if (chosen := _tagged(known, part)) is not None:
            known = chosen
            continue
        kept.append(part)
        known = _type_below(known, part)
    return tuple(kept), known


def _tagged(annotation: Any, tag: int | str) -> type[BaseModel] | None:
    """The model of a tagged union that has this tag; None if it is no tagged union."""
    if get_origin(annotation) is not Annotated:
        return None
    keys = [getattr(each, "discriminator", None) for each in get_args(annotation)[1:]]
    key = next((key for key in keys if isinstance(key, str)), None)
    return next(
        (m for m in _models(annotation) if key and tag in get_args(m.model_fields[key].annotation)),
        None,
    )


def _type_below(annotation: Any, part: int | str) -> Any:
    """The type of one value of a model, a mapping or a list; None if it is unknown."""
    if get_origin(annotation) is Annotated:
        return _type_below(get_args(annotation)[0], part)
    if get_origin(annotation) in (tuple, list):
        return get_args(annotation)[0]
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    fields = [m.model_fields[str(part)] for m in _models(annotation) if part in m.model_fields]
    if not fields:
        return None
    field = fields[0]
    return Annotated[field.annotation, field] if field.discriminator else field.annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that a value of this type may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is Annotated:
        return _models(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [model for option in get_args(annotation) for model in _models(option)]
    return []


def _keys(node: Node | None, loc: Place) -> Iterator[str]:
    """The parts of ``loc`` that are the user's keys; pydantic adds names for kinds of values."""
    for part in loc:
        is_kind = isinstance(part, str) and node is not None and not isinstance(node.value, dict)
        if part != "[key]" and not is_kind:
            yield str(part)
            node = _below(node, part)


def _deepest(node: Node | None, loc: Place) -> Node | None:
    """The deepest part of ``loc`` that is in the document."""
    for part in loc:
        node = _below(node, part) or node
    return node


def _below(node: Node | None, part: int | str) -> Node | None:
    if node is not None and isinstance(node.value, dict):
        return node.value.get(str(part))
    if node is not None and isinstance(node.value, list) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    return None


def _flags_for_numbers(
    node: Node, value: object, where: str | Path, loc: Place
) -> Iterator[RidealongError]:
    """A fault for every ``true`` that pydantic accepted as the number 1."""
    if isinstance(node.value, bool) and not isinstance(value, bool):
        key = ".".join(map(str, loc))
        what = f"{key}: Input should be a number, not {_shown(node.value)}"
        yield RidealongError(what, where=f"{where}:{node.line}")
    elif isinstance(node.value, dict):
        for key, below in node.value.items():
            inner = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
            yield from _flags_for_numbers(below, inner, where, (*loc, key))
    elif isinstance(node.value, list) and isinstance(value, tuple | list):
        pairs: Any = enumerate(zip(node.value, value, strict=False))
        for index, (below, inner) in pairs:
            yield from _flags_for_numbers(below, inner, where, (*loc, index))
