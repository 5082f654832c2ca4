"""Progress of long work: what reports it, and what is reported where nobody watches."""

from typing import Protocol


class Steps(Protocol):
    """Progress of one piece of long work."""

    def advance(self, count: int = 1) -> None:
        """That many more steps are done."""

    def at(self, done: int) -> None:
        """That many steps are done in all."""

    def expect(self, count: int) -> None:
        """There are that many more steps to do than was known."""


class _Silent:
    def advance(self, count: int = 1) -> None:
        pass

    def at(self, done: int) -> None:
        pass

    def expect(self, count: int) -> None:
        pass


SILENT: Steps = _Silent()  # nobody watches
