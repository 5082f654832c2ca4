"""Imports of packages that a stranger's code wants and does not use here: they do nothing.

So the environment of the strangers needs no plots, no maps and no compilers.
"""

import importlib.abc
import importlib.machinery
import sys
from unittest.mock import MagicMock


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds some packages, and all that is below them, as mocks."""

    def __init__(self, *names):
        self._names = names

    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(f"{one}.") for one in self._names):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def do_without(*names):
    """Make imports of these packages do nothing."""
    sys.meta_path.insert(0, Absent(*names))
