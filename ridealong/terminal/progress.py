"""Progress of long work: the interface, and one that reports nothing."""

from typing import Protocol


class Steps(Protocol):
    """Progress of one piece of long work."""

    def advance(self, count: int = 1) -> None:
        """This many more steps are done."""

    def at(self, done: int) -> None:
        """This many steps are done in total."""

    def expect(self, count: int) -> None:
        """This many more steps are expected."""


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass

    def at(self, done: int) -> None:
        pass

    def expect(self, count: int) -> None:
        pass


SILENT: Steps = _Silent()  # shows nothing
