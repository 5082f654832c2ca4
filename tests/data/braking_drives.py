"""Made-up drives that brake, for triggers over a lake."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.discovery import find_drives
from ingest.run import ingest
from ingest.triggers.spec import TriggerSpec
from ridealong.lake import Lake
from ridealong.specs import parse_spec
from ridealong.terminal.console import Console

START_NS = 1_700_000_000_000_000_000
DAY_S = 86_400
ACCELERATION = "Vehicle.Acceleration.Longitudinal"

BRAKE = f"""name: brake
description: Brakes.
when: held({ACCELERATION} <= -3, '0.2 s')
rearm: {ACCELERATION} > -1
pre: 2 s
post: 1 s
cooldown: 4 s
budget: {{per_vehicle_per_day: 3, per_day: 4}}
priority: 2
cameras: all
"""
FAST = """name: fast
description: Drives fast.
when: Vehicle.Speed > '50 km/h'
pre: 1 s
post: 1 s
cameras: all
"""

QUIET = "name: quiet\ndescription: Never.\nwhen: Vehicle.Speed > '900 km/h'\n"


def write_braking_drive(
    folder: Path,
    name: str,
    *brakes: tuple[float, float],
    day: int = 0,
    vehicle: str = "v",
    light: str = "day",
) -> Path:
    """Write a drive of a minute that brakes half a second; ``brakes``: at how many s, by m/s^2."""
    time_s = np.arange(600) / 10
    acceleration = np.zeros(len(time_s))
    for at_s, by in brakes:
        acceleration[(time_s >= at_s - 1e-9) & (time_s < at_s + 0.5 - 1e-9)] = -by
    speed = np.full(len(time_s), 36.0)
    speed[100:110] = 60.0
    begin_ns = START_NS + day * DAY_S * 10**9
    columns = {
        "timestamp_ns": begin_ns + np.round(time_s * 1e9).astype("int64"),
        "Vehicle.Speed": speed.astype(np.float32),
        ACCELERATION: acceleration.astype(np.float32),
    }
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table(columns), path)
    attributes = f"{{vehicle_id: {vehicle}, light: {light}, weather: clear, country: DE}}"
    (folder / f"{name}.drive.yaml").write_text(attributes)
    return path


def write_braking_drives(folder: Path) -> None:
    """Twelve drives of three vehicles on two days: more events than budgets and cooldowns keep."""
    folder.mkdir()
    for number in range(12):
        brakes = [(5.0 + number, 3.5 + number / 10), (20.0, 6.0), (22.5, 4.0), (45.0, 5.0)]
        write_braking_drive(
            folder,
            f"drive{number:02}",
            *brakes[: 1 + number % 4],
            day=number % 2,
            vehicle=f"v{number % 3}",
            light="night" if number % 4 == 3 else "day",
        )


def make_braking(folder: Path) -> None:
    """Make a folder with the braking drives (``logs``) and a ``home`` with them.

    Only a trigger that never fires was evaluated on them.
    """
    folder.mkdir()
    write_braking_drives(folder / "logs")
    quiet = parse_spec(QUIET, TriggerSpec, "quiet.yaml")
    found = find_drives(folder / "logs").drives
    ingest(Lake.create(folder / "home"), found, [quiet], Console(True))
