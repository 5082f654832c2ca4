"""What there is of one kind, by name: ridealong's own list, and what installed packages add.

Sources, kinds of networks and families of predictions each have one `Registry`. Nothing is imported
before it is asked for by name, so a broken package affects only those who use it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint
from typing import Any, Generic, Protocol, TypeVar

from ridealong.errors import NotInstalledError, RidealongError
from ridealong.extras import missing_extra
from ridealong.installed import broken, installed, load
from ridealong.limits import refused
from ridealong.specs import nearest


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """Its name in the registry, and that of its entry point."""


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Registry(Generic[T]):
    """Things of one type by name.

    Attributes:
        group: The entry point group of installed packages, such as ``ridealong.sources``.
        noun: What one of them is called in messages, such as ``source``.
        built_in: Ours, in their order.
        type: Their type; a protocol must be checkable at run time.
        expected: That type in messages.
        make: Makes one from what an entry point names; by default it names the thing itself.
        hint: Added to the message about an unknown name.
    """

    group: str
    noun: str
    built_in: tuple[T, ...]
    type: type[Any]
    expected: str
    make: Callable[[Any], Any] | None = None
    hint: str | None = None
    _found: dict[str, T] = field(init=False, default_factory=dict, repr=False, compare=False)

    def names(self) -> list[str]:
        """All names: ours in their order, then the others by name; no package is imported.

        Raises:
            RidealongError: Two things have one name.
        """
        return [*self._own, *self._points]

    def __contains__(self, name: str) -> bool:
        """Whether there is a thing of that name; no package is imported."""
        return name in self._own or name in self._points

    def find(self, name: str) -> T:
        """The thing of that name; its package is imported on first use.

        Raises:
            NotInstalledError: No such name (the nearest is suggested), or its package is broken.
            RidealongError: Two things have one name.
        """
        if name in self._own:
            return self._own[name]
        if name not in self._found:
            if name not in self._points:
                hints = [nearest(name, self.names()), *([self.hint] if self.hint else [])]
                raise NotInstalledError(f"unknown {self.noun} {name!r}", hint="; ".join(hints))
            self._found[name] = self._loaded(self._points[name])
        return self._found[name]

    @cached_property
    def usable(self) -> dict[str, T]:
        """All things by name, in the order of `names`, except those whose package is broken.

        Raises:
            RidealongError: Two things have one name.
        """
        found = {}
        for name in self.names():
            try:
                found[name] = self.find(name)
            except NotInstalledError:
                continue  # reported to those who use it by name
        return found

    @contextmanager
    def running(self, name: str, doing: str) -> Iterator[None]:
        """Run code of a thing inside a ``with`` block: what it raises names its package.

        Errors that the command line reports in one line pass unchanged: `RidealongError`, errors of
        the operating system, limits of the machine, and missing extras. In our own code only a
        failed import is an error of a package; anything else is a bug, and passes too.

        Args:
            name: Which thing.
            doing: What fails if it raises, such as ``cannot open hydra-1.0``.

        Raises:
            NotInstalledError: The code raised another error, which is its cause.
        """
        try:
            yield
        except (RidealongError, OSError):
            raise
        except Exception as error:  # a stranger's code may raise anything
            if refused(error) or missing_extra(error):
                raise
            why = f"{doing} ({type(error).__name__}: {error})"
            if name not in self._own:
                raise broken(self._points[name], why) from error
            if not isinstance(error, ImportError):
                raise
            raise NotInstalledError(
                f"{self.noun} {name!r} {why}", hint="reinstall the package that cannot be imported"
            ) from error

    @cached_property
    def _own(self) -> dict[str, T]:
        return {one.name: one for one in self.built_in}

    @cached_property
    def _points(self) -> dict[str, EntryPoint]:
        return installed(self.group, taken=self._own)

    def _loaded(self, point: EntryPoint) -> T:
        named = load(point)
        try:
            made: T = self.make(named) if self.make else named
        except Exception as error:  # a stranger's class may raise anything
            raise broken(point, f"cannot be made ({type(error).__name__}: {error})") from error
        if not isinstance(made, self.type):
            what = f"is not a {self.noun}, but a {type(made).__name__}"
            raise broken(point, what, expected=self.expected)
        if made.name != point.name:
            raise broken(point, f"calls itself {made.name!r}", expected="the same name")
        return made
