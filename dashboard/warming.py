"""Loads the libraries of all pages while nobody waits, so that no page's first visitor does."""

import importlib
import pkgutil
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import dashboard
from ingest.schemas import DRIVES
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.units import registry

SCRIPTS = ("app", "page")  # Streamlit runs them; the others are modules


class Warming:
    """Loads modules and opens the lake in the background, once started."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._stop = Event()
        self._thread = Thread(target=self._load, name="warming")

    def start(self) -> None:
        """Begin; Streamlit must be running, because modules declare what it caches."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the module that is being loaded: a library must not load while all ends."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _load(self) -> None:
        for module in pkgutil.walk_packages(dashboard.__path__, f"{dashboard.__name__}."):
            if self._stop.is_set():
                return
            if module.name.rpartition(".")[2] not in SCRIPTS:
                importlib.import_module(module.name)
        registry()  # of units, for triggers
        with suppress(RidealongError):  # a page will say it
            Lake.open(self._home).snapshot().query("select count(*) from drives", DRIVES)
