"""Paths of SUMO's programs, and options of the simulation."""

import shutil
from pathlib import Path

from ridealong.errors import RidealongError

SUMO_SETTINGS = (
    "--no-step-log",
    "--no-warnings",
    "--duration-log.disable",
    # Vehicles that find no gap within a second are dropped; the bubble tries other places.
    "--max-depart-delay=1",
    "--lanechange.duration=2.6",
    "--collision.action=none",
    "--time-to-teleport=-1",
    "--default.speeddev=0",
)


def sumo_binary(name: str = "sumo") -> Path:
    """Return the path of one of SUMO's programs.

    Raises:
        RidealongError: It is not installed.
    """
    try:
        import sumo

        found: str | None = str(Path(sumo.SUMO_HOME) / "bin" / name)
    except ImportError:
        found = shutil.which(name)
    if found is None or not Path(found).exists():
        raise RidealongError(
            f"SUMO's {name} is not installed", hint="pip install eclipse-sumo libsumo"
        )
    return Path(found)
