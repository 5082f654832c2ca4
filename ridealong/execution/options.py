"""Reads Beam's options without importing Beam."""

from collections.abc import Iterator, Sequence


def values_of(beam_args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options and their values, written ``--name=value`` or ``--name value``."""
    for place, word in enumerate(beam_args):
        name, equals, value = word.partition("=")
        if equals:
            yield name, value
        elif name.startswith("--") and place + 1 < len(beam_args):
            yield name, beam_args[place + 1]


def names_runner(beam_args: Sequence[str]) -> bool:
    """Whether the user chose a runner; otherwise the embedded one runs."""
    return any(name == "--runner" for name, _ in values_of(beam_args))
