"""Values of a log to values of a signal, column by column."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.mapping.fields import FieldSpec, Scalar
from ridealong.errors import UnreadableError
from ridealong.terminal.readable import listed

FLAGS: dict[str, bool] = {
    word: flag
    for flag, words in ((True, "1 true t yes y on"), (False, "0 false f no n off"))
    for word in words.split()
}
NAMED = 6


@dataclass(frozen=True)
class Converted:
    """A column of values of a signal.

    Attributes:
        values: ``N`` values: numbers in the signal's unit, flags or text; null is unknown.
        faults: By place in the column, why a value means nothing; it is null there.
        unknown: How many values the mapping says to be unknown.
    """

    values: pa.Array
    faults: Mapping[int, str] = field(default_factory=dict)
    unknown: int = 0


def convert(values: pa.Array, field: FieldSpec, name: str, decimal: str = ".") -> Converted:
    """Convert one field's values to its signal; empty text is unknown.

    Ranges and allowed words are checked later, with all sources' telemetry.

    Args:
        values: ``N`` values as the log has them: numbers, flags or text.
        field: What they mean.
        name: The field's name in the log, for messages.
        decimal: The decimal sign of numbers in text.

    Raises:
        UnreadableError: Values of this type can never be the signal's.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return Converted(values)
    if not (is_text(values.type) or _is_number(values.type) or pa.types.is_boolean(values.type)):
        raise UnreadableError(f"{name!r} holds {values.type}", expected="numbers, flags or text")
    if is_text(values.type) and "" not in (field.values or {}):
        is_empty = pc.equal(pc.utf8_trim_whitespace(values), "")
        values = pc.if_else(is_empty, pa.scalar(None, values.type), values)
    values, unknown = _without_unknown(values, field.unknown or ())
    if field.values is not None:
        found = _by_word(values, lambda word: _listed_value(word, field), field)
    elif field.of_signal.datatype == "boolean":
        found = _flags(values, field)
    elif field.of_signal.datatype == "string":
        found = _by_word(values, lambda word: _allowed_word(word, field), field)
    else:
        found = _numbers(values, field, decimal)
    faults = {row: f"{name}: {why}" for row, why in found.faults.items()}
    return Converted(found.values, faults, unknown)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _without_unknown(values: pa.Array, unknown: tuple[Scalar, ...]) -> tuple[pa.Array, int]:
    """The values, null where the log writes one that stands for unknown, and how many."""
    if not unknown:
        return values, 0
    marks = [pc.equal(values, each) for each in _alike(values.type, unknown)]
    if not marks:
        return values, 0
    marked = marks[0]
    for mark in marks[1:]:
        marked = pc.or_(marked, mark)
    marked = pc.fill_null(marked, False)
    count = int(pc.sum(marked).as_py() or 0)
    return pc.if_else(marked, pa.scalar(None, values.type), values), count


def _alike(kind: pa.DataType, unknown: tuple[Scalar, ...]) -> list[pa.Scalar]:
    """Those of the values that a column of this type can hold."""
    if is_text(kind):
        return [pa.scalar(_written(each), kind) for each in unknown]
    numbers = [each for each in unknown if not isinstance(each, str)]
    return [pa.scalar(float(each), pa.float64()) for each in numbers] if _is_number(kind) else []


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _flags(values: pa.Array, field: FieldSpec) -> Converted:
    if pa.types.is_boolean(values.type):
        return Converted(values)
    return _by_word(values, _flag, field)


def _flag(word: str) -> bool:
    flag = FLAGS.get(word.strip().lower())
    if flag is None:
        raise ValueError("is neither 0/1 nor a word like yes or no; list what it means in 'values'")
    return flag


def _listed_value(word: str, field: FieldSpec) -> Scalar | None:
    known = field.values or {}
    if word in known:
        return known[word]
    if word.strip() in known:
        return known[word.strip()]
    raise ValueError(f"is not listed in 'values'; listed: {listed(list(known), NAMED)}")


def _allowed_word(word: str, field: FieldSpec) -> str:
    """The word as the signal spells it; a wrong one stays, and its row is refused later."""
    allowed = field.of_signal.allowed
    return next((each for each in allowed if each.lower() == word.strip().lower()), word)


def _by_word(values: pa.Array, mean: Callable[[str], Scalar | None], field: FieldSpec) -> Converted:
    """Look every distinct value up once; ``mean`` raises `ValueError` for one without a meaning."""
    encoded = values.dictionary_encode()
    known = [_written(each) for each in encoded.dictionary.to_pylist()]
    meanings: list[Scalar | None] = []
    bad: dict[int, str] = {}
    for code, word in enumerate(known):
        try:
            meanings.append(mean(word))
        except ValueError as error:
            meanings.append(None)
            bad[code] = f"{word!r} {error}"
    datatype = field.of_signal.datatype
    kind = {"boolean": pa.bool_(), "string": pa.string()}.get(datatype, pa.float64())
    codes = encoded.indices
    faults = _faults(codes, bad) if bad else {}
    return Converted(pa.array(meanings, kind).take(codes), faults)


def _faults(codes: pa.Array, bad: Mapping[int, str]) -> dict[int, str]:
    places = np.flatnonzero(
        pc.fill_null(pc.is_in(codes, value_set=pa.array(bad, codes.type)), False).to_numpy(
            zero_copy_only=False
        )
    )
    found = codes.take(pa.array(places)).to_pylist()
    return {row: bad[code] for row, code in zip(places.tolist(), found, strict=True)}


def _numbers(values: pa.Array, field: FieldSpec, decimal: str) -> Converted:
    found = _read_numbers(values, field, decimal) if is_text(values.type) else Converted(values)
    factor, offset = field.factor_and_offset()
    if (factor, offset) == (1.0, 0.0) and not pa.types.is_decimal(found.values.type):
        numbers = found.values
        is_flag = pa.types.is_boolean(numbers.type)
        return Converted(numbers.cast(pa.int8()), found.faults) if is_flag else found
    numbers = found.values
    if pa.types.is_boolean(numbers.type):
        numbers = numbers.cast(pa.int8())
    numbers = pc.multiply(numbers.cast(pa.float64(), safe=False), factor)
    return Converted(pc.add(numbers, offset) if offset else numbers, found.faults)


def _read_numbers(values: pa.Array, field: FieldSpec, decimal: str) -> Converted:
    """Numbers that are written as text."""
    text = pc.utf8_trim_whitespace(values)
    if decimal != ".":
        text = pc.replace_substring(text, decimal, ".")
    try:
        return Converted(text.cast(pa.float64()))
    except pa.ArrowInvalid:
        return _by_word(text, _number, field)


def _number(word: str) -> float | None:
    if word.lower() in ("nan", "na", "n/a", "null", "none", "-"):
        return None
    try:
        return float(word.replace("_", "x"))  # float() takes 1_000 for a number
    except ValueError as error:
        raise ValueError("is not a number") from error
