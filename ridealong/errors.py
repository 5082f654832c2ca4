"""The one error that a user sees: what is wrong, where, what was expected, how to fix it."""

from collections.abc import Iterable
from pathlib import Path


class RidealongError(Exception):
    """A mistake in the input, described in one line; the command line then exits with 2.

    Args:
        what: What is wrong, with the actual value.
        where: The file, table or argument with the mistake.
        expected: What would have been valid.
        hint: What to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | Path | None = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.where, self.expected, self.hint = what, where, expected, hint
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where is not None else ""
        expected = f"; expected {self.expected}" if self.expected else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{self.what}{expected}{hint}".replace("\n", " ")

    def __reduce__(self) -> tuple[object, ...]:
        # Beam and process pools pickle errors, and pickle cannot pass keyword-only arguments.
        return (_rebuild, (type(self), self.what, self.where, self.expected, self.hint))


def _rebuild(
    kind: type[RidealongError],
    what: str,
    where: str | Path | None,
    expected: str | None,
    hint: str | None,
) -> RidealongError:
    return kind(what, where=where, expected=expected, hint=hint)


class ManyErrors(RidealongError):
    """Several mistakes, found together; the command line prints one line for each.

    Args:
        errors: The mistakes; an error that is itself several mistakes is split into them.
    """

    def __init__(self, errors: Iterable[RidealongError]) -> None:
        self.errors = tuple(one for error in errors for one in each(error))
        super().__init__("; ".join(map(str, self.errors)))

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.errors,))


def each(error: RidealongError) -> tuple[RidealongError, ...]:
    """The single mistakes of an error."""
    return error.errors if isinstance(error, ManyErrors) else (error,)


def together(errors: Iterable[RidealongError]) -> RidealongError:
    """One error that lists all of these (at least one)."""
    many = ManyErrors(errors)
    return many.errors[0] if len(many.errors) == 1 else many


class UnreadableError(RidealongError):
    """A file of a drive that cannot be read; only that drive goes to the quarantine."""


class NotInstalledError(RidealongError):
    """A package is missing or broken; the input is not to blame, so the next run tries it again."""
