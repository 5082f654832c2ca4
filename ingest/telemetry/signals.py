"""The signal catalogue: COVESA VSS 6.0 and our overlay, with types, units and ranges.

`vss/vss_v6.0.csv` is COVESA's export; `vss/overlay.csv` adds what VSS lacks (perceived
objects, shadow comparison, trip). `vss/recorded.txt` lists the signals that are columns of the
table telemetry. Full names (``Vehicle.Speed``) are used everywhere.
"""

import ast
import csv
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa

from ridealong.errors import RidealongError

_TIME = frozenset(
    {"time", "timestamp", "stamp"}
)  # every log has such a column, which is not a signal
CATALOGUE_FOLDER = Path(__file__).parent / "vss"

# Delta has no unsigned integers: each becomes the next wider signed type.
ARROW_TYPES = {
    "float": pa.float32(),
    "double": pa.float64(),
    "uint8": pa.int16(),
    "int8": pa.int8(),
    "uint16": pa.int32(),
    "int16": pa.int16(),
    "uint32": pa.int64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
}

INTEGER_RANGES = {
    "uint8": (0, 2**8 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
}


@dataclass(frozen=True)
class Signal:
    """One signal: VSS name, VSS data type, unit as VSS spells it, inclusive range, meaning."""

    name: str
    datatype: str
    unit: str
    minimum: float | None
    maximum: float | None
    allowed: tuple[str, ...]
    description: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The column type that holds it in telemetry."""
        return ARROW_TYPES[self.datatype]


@cache
def catalogue() -> dict[str, Signal]:
    """Every scalar signal of VSS 6.0 and the overlay, by full name."""
    rows = [*_leaves("vss_v6.0.csv"), *_leaves("overlay.csv")]
    return {signal.name: signal for signal in rows}


@cache
def recorded() -> tuple[Signal, ...]:
    """The signals that telemetry has a column for, in column order."""
    names = (CATALOGUE_FOLDER / "recorded.txt").read_text("utf-8").split()
    wanted = frozenset(names)
    # Every command needs these, and few need the other 1,500: parsing all would slow every start.
    rows = [*_leaves("vss_v6.0.csv", wanted), *_leaves("overlay.csv", wanted)]
    found = {signal.name: signal for signal in rows}
    return tuple(found[name] for name in names)


def lookup(name: str) -> Signal:
    """The signal of that name.

    Raises:
        RidealongError: Unknown; the message suggests the nearest.
    """
    signals = {signal.name: signal for signal in recorded()}
    if name in signals:
        return signals[name]
    from ridealong.specs import nearest  # loads YAML and pydantic; only for the error

    if name in catalogue():
        raise RidealongError(
            f"signal {name!r} is in VSS but telemetry does not record it",
            hint="see docs/signals.md for the recorded signals",
        )
    raise RidealongError(f"unknown signal {name!r}", hint=nearest(name, list(signals)))


def nearest_recorded(name: str) -> list[str]:
    """Recorded signals that a column with another name may mean: ``accel_x``, an acceleration.

    Words are compared one by one, because logs rarely use a signal's whole path. The result has at
    most three signals, all equally near, and none if no word is near.
    """
    known = [signal.name for signal in recorded()]
    misspelt = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    if misspelt:
        return misspelt
    words = [w for w in re.split(r"[^a-z0-9]+", name.lower()) if len(w) > 2 and w not in _TIME]
    near = {signal: _likeness(words, signal) for signal in known}
    best = max(near.values())
    found = [signal for signal in known if best >= 0.5 and near[signal] == best]
    return sorted(found, key=lambda signal: (len(signal), signal))[:3]


def _likeness(words: Sequence[str], signal: str) -> float:
    """How similar the words are to those of a signal's name, 0 to 1.

    Several equal words, short paths, and signals of the vehicle itself count more.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", signal).lower()
    parts = [part for part in re.findall(r"[a-z]+", spaced) if len(part) > 2]
    ratios = [max(_agreement(word, part) for part in parts) for word in words]
    agreeing = sum(ratio >= 0.8 for ratio in ratios)
    overlay = not signal.startswith("Vehicle.")
    return max(ratios, default=0.0) + 0.1 * agreeing - 0.01 * signal.count(".") - 0.05 * overlay


def _agreement(word: str, part: str) -> float:
    ratio = difflib.SequenceMatcher(None, word, part).ratio()
    return max(ratio, 0.8) if part.startswith(word) else ratio


def telemetry_fields() -> list[pa.Field]:
    """The columns of telemetry: one for each recorded signal, with unit and description."""
    return [
        pa.field(
            signal.name,
            signal.arrow_type,
            metadata={"unit": signal.unit, "description": signal.description},
        )
        for signal in recorded()
    ]


def _leaves(file: str, names: frozenset[str] | None = None) -> Iterator[Signal]:
    """The scalar signals of a file with one signal a line; only those in ``names``, if given."""
    with (CATALOGUE_FOLDER / file).open(newline="", encoding="utf-8") as lines:
        head = next(lines)
        kept = (line for line in lines if names is None or line.partition(",")[0] in names)
        for row in csv.DictReader(itertools.chain([head], kept)):
            if row["DataType"] in ARROW_TYPES:
                yield _signal(row)


def _signal(row: dict[str, str]) -> Signal:
    low, high = INTEGER_RANGES.get(row["DataType"], (None, None))
    return Signal(
        name=row["Signal"],
        datatype=row["DataType"],
        unit=row["Unit"],
        minimum=float(row["Min"]) if row["Min"] else low,
        maximum=float(row["Max"]) if row["Max"] else high,
        allowed=tuple(ast.literal_eval(row["Allowed"])) if row["Allowed"] else (),
        description=row["Desc"],
    )
