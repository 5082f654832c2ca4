"""Values for people: a suitable unit, no more digits than are known, one line.

Only text output uses this: JSON has the raw numbers, in the units of the tables' columns.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

UNKNOWN = "-"
MOST_DECIMALS = 6
SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def value(thing: object) -> str:
    """Any value of a row on one line: ``-`` if unknown, yes or no, names with commas."""
    match thing:
        case None:
            text = UNKNOWN
        case bool():
            text = "yes" if thing else "no"
        case int():
            text = f"{thing:,}"
        case float():
            text = number(thing)
        case dict():
            text = ", ".join(
                f"{printable(str(name))} {value(item)}" for name, item in thing.items()
            )
        case list() | tuple() | set() | frozenset():
            text = ", ".join(map(value, thing))
        case _:
            text = printable(str(thing))
    return text or UNKNOWN


def printable(text: str) -> str:
    """The text on one line: line breaks become spaces, other control characters are escaped.

    Names come from logs, and must not be able to move a terminal's cursor.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, " ".join(text.split())))


def _shown(character: str) -> str:
    joins = character in "\u200c\u200d"  # between letters of some scripts, and within emoji
    if character.isprintable() or joins:
        return character
    return character.encode("unicode_escape").decode("ascii")


def number(known: float | None, digits: int = 3) -> str:
    """A number with so many significant digits; from a thousand on, a whole number."""
    if known is None or not math.isfinite(known):
        return UNKNOWN
    if abs(known) >= 10**digits:
        return f"{known:,.0f}"
    return f"{known:.{digits}g}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 drive``, ``1,204 drives``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int) -> str:
    """The first names, then how many more there are: ``a, b, c, and 4 more``."""
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def duration(seconds: float | None) -> str:
    """``8.4 ms``, ``12.3 s``, ``2 min 47 s``, ``3 h 5 min``, ``12 d 4 h``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds == 0:
        return "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return _parts(seconds)


def _parts(seconds: float) -> str:
    """A duration of a minute or longer, in its two largest units."""
    whole = round(seconds)
    for size, unit, part, smaller in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size:,} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def moment(seconds: float | None) -> str:
    """Time since a drive's start, in seconds with one decimal, so that a column is comparable."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    return f"{seconds:,.1f} s"


def instant(epoch_ns: int | None) -> str:
    """Nanoseconds since the Unix epoch as ISO 8601 in UTC, to the millisecond.

    An instant before year 1 or after year 9999 is given as a number of seconds.
    """
    if epoch_ns is None:
        return UNKNOWN
    milliseconds = epoch_ns // 1_000_000
    try:
        day = datetime.fromtimestamp(milliseconds // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{epoch_ns / 1e9:,.0f} s after 1970"
    fraction = f".{milliseconds % 1000:03d}" if milliseconds % 1000 else ""
    return f"{day:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def exact_instant(epoch_ns: int) -> str:
    """Nanoseconds since the Unix epoch as ISO 8601 in UTC, with as many decimals as needed."""
    seconds, rest = divmod(epoch_ns, 1_000_000_000)
    whole = instant(seconds * 1_000_000_000)
    if not rest or not whole.endswith("Z"):
        return whole
    return f"{whole[:-1]}.{rest:09d}".rstrip("0") + "Z"


def size(count: int | None) -> str:
    """Bytes in decimal units: ``512 B``, ``52.9 kB``, ``2.1 MB``."""
    if count is None:
        return UNKNOWN
    if count < 1000:
        return f"{count} B"
    power = 1
    while count >= 999.95 * 1000**power and power < len(SIZES) - 1:
        power += 1
    return f"{count / 1000**power:,.1f} {SIZES[power]}"


def distance(metres: float | None) -> str:
    """``517 m``, ``12.3 km``."""
    if metres is None or not math.isfinite(metres):
        return UNKNOWN
    return f"{metres:.0f} m" if abs(metres) < 999.5 else f"{metres / 1000:,.1f} km"


def decimals_known(low: float | None, high: float | None, *values: float | None) -> int:
    """How many decimals of an estimate to show, given its interval.

    The Particle Data Group's rule rounds an error to at most two digits, and the value to the same
    place. So the result is the place of the second digit of the interval's half-width.

    The largest of ``values`` still keeps two to four digits. With fewer, a difference may
    contradict the two numbers that it is the difference of; with more, an interval of width 0 would
    claim too much. Without an interval there are three decimals. Negative decimals round to tens,
    hundreds and so on.
    """
    half = (high - low) / 2 if low is not None and high is not None else 0.0
    known = 1 - _magnitude(half) if math.isfinite(half) and half > 0 else 3
    sizes = [abs(one) for one in values if one is not None and math.isfinite(one)]
    if largest := max(sizes, default=0.0):
        first = -_magnitude(largest)
        known = min(max(known, first + 1), first + 3)
    return min(known, MOST_DECIMALS)


def _magnitude(number: float) -> int:
    """The power of ten of a number's first digit."""
    return math.floor(math.log10(number))


def rounded(known: float | None, decimals: int, signed: bool = False) -> str:
    """A number with so many decimals, and with its sign if ``signed``; zero has no sign."""
    if known is None or not math.isfinite(known):
        return UNKNOWN
    near = round(known, decimals) or 0.0  # no negative zero
    sign = "+" if signed and near else ""
    return f"{near:{sign},.{max(decimals, 0)}f}"
