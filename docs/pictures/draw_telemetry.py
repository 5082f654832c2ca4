"""Draw simulation-telemetry.png and print the figures that docs/simulation.md compares.

Simulates three small fleets (calm drivers, aggressive ones, and the example's mix with incidents)
and counts. Run as ``python docs/pictures/draw_telemetry.py [--drives N]``.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
INK, GRID, COLOURS = (40, 44, 52), (222, 224, 228), ((38, 110, 180), (206, 92, 40), (60, 140, 84))
SIZE, PANEL, MARGIN = (1200, 760), (520, 280), 60
NOTHING = dict.fromkeys(("lead_brakes", "cut_in", "pedestrian", "swerve", "fast_corner"), 0.0)
FLEETS = {
    "calm": {"drivers": {"aggressive": 0}, "incidents": NOTHING},
    "aggressive": {"drivers": {"aggressive": 1}, "incidents": NOTHING},
    "with incidents": {},
}


def main() -> None:
    """Simulate, print, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--drives", type=int, default=24)
    drives = parser.parse_args().drives
    with tempfile.TemporaryDirectory() as folder:
        found = {
            name: signals(Path(folder) / str(i), drives, changes)
            for i, (name, changes) in enumerate(FLEETS.items())
        }
    print("| fleet | hours | km | < -4 m/s² per h | < -6 per h | jerk p99 | lateral p99 |")
    print("|---|---|---|---|---|---|---|")
    for name, columns in found.items():
        print(f"| {name} | " + " | ".join(figures(columns)) + " |")
    draw(found).save(Path(__file__).parent / "simulation-telemetry.png", optimize=True)


def signals(out: Path, drives: int, changes: dict[str, object]) -> list[dict[str, np.ndarray]]:
    """What the egos of a fleet did: one mapping of columns a drive."""
    from ingest.simulation.drive_log import read_log
    from ingest.simulation.fleet import FleetSpec
    from ingest.simulation.simulate import simulate
    from ingest.sources.simulation.source import SimulationSource
    from ridealong.terminal.console import Console

    clean = {name: {"drives": 0} for name in ("dropped_samples", "jittered_clock")}
    clean |= {name: {"drives": 0} for name in ("duplicate_segment", "late_segment")}
    spec = FleetSpec.model_validate(
        {"drives": drives, "duration": "180 s", "seed": 11, "faults": clean} | changes
    )
    simulate(spec, out, Console(as_json=True))
    source, columns = SimulationSource(), []
    for files in source.discover(out):
        rows = source.open(files).telemetry()
        ego = read_log(Path(files.path)).ego
        columns.append(
            {
                "speed": rows["Vehicle.Speed"].to_numpy(),
                "along": np.gradient(np.asarray(ego["speed_mps"], np.float64), 0.1),
                "aside": rows["Vehicle.Acceleration.Lateral"].to_numpy(),
            }
        )
    return columns


def figures(columns: list[dict[str, np.ndarray]]) -> list[str]:
    """A row of the table."""
    hours = sum(len(c["along"]) for c in columns) / 36_000
    way = sum(float(c["speed"].sum()) / 36_000 for c in columns)
    jerk = np.concatenate([np.abs(np.diff(c["along"])) / 0.1 for c in columns])
    aside = np.concatenate([np.abs(c["aside"]) for c in columns])
    rates = [sum(bouts(c["along"] < limit) for c in columns) / hours for limit in (-4.0, -6.0)]
    return [
        f"{hours:.1f}",
        f"{way:.0f}",
        *(f"{rate:.1f}" for rate in rates),
        f"{np.percentile(jerk, 99):.1f}",
        f"{np.percentile(aside, 99):.1f}",
    ]


def bouts(active: np.ndarray) -> int:
    """How often it begins."""
    return int((active[1:] & ~active[:-1]).sum()) + int(active[0])


def draw(found: dict[str, list[dict[str, np.ndarray]]]) -> Image.Image:
    """The four panels."""
    image = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(image)
    panels = (
        ("speed, km/h (log)", "speed", np.linspace(0, 140, 71), True),
        ("longitudinal acceleration, m/s^2 (log)", "along", np.linspace(-9, 5, 71), True),
        ("lateral acceleration, m/s^2 (log)", "aside", np.linspace(-7, 7, 71), True),
        ("jerk, m/s^3 (log)", "jerk", np.linspace(-15, 15, 61), True),
    )
    for number, (title, key, edges, log) in enumerate(panels):
        corner = (MARGIN + number % 2 * (PANEL[0] + MARGIN), 60 + number // 2 * (PANEL[1] + 70))
        panel(pen, corner, title, edges, shares(found, key, edges), log)
    for i, name in enumerate(found):
        pen.rectangle([60 + 170 * i, 14, 76 + 170 * i, 26], fill=COLOURS[i])
        pen.text((82 + 170 * i, 13), name, fill=INK)
    return image


def shares(
    found: dict[str, list[dict[str, np.ndarray]]], key: str, edges: np.ndarray
) -> list[np.ndarray]:
    """A histogram per fleet, as shares."""
    out = []
    for columns in found.values():
        parts = [np.diff(c["along"]) / 0.1 if key == "jerk" else c[key] for c in columns]
        count, _ = np.histogram(np.concatenate(parts), edges)
        out.append(count / max(count.sum(), 1))
    return out


def panel(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    title: str,
    edges: np.ndarray,
    curves: list[np.ndarray],
    log: bool,
) -> None:
    """One panel: a frame, ticks, and a curve per fleet."""
    x0, y0 = corner
    width, height = PANEL
    pen.text((x0, y0 - 18), title + ", share of time", fill=INK)
    floor = 1e-5
    top = max(float(curve.max()) for curve in curves)
    for tick in np.linspace(edges[0], edges[-1], 8):
        x = x0 + (tick - edges[0]) / (edges[-1] - edges[0]) * width
        pen.line([x, y0, x, y0 + height], fill=GRID)
        pen.text((x - 8, y0 + height + 4), f"{tick:.0f}", fill=INK)
    for curve, colour in zip(curves, COLOURS, strict=False):
        value = (
            np.log(np.maximum(curve, floor) / floor) / np.log(top / floor) if log else curve / top
        )
        middle = (edges[1:] + edges[:-1]) / 2
        xs = x0 + (middle - edges[0]) / (edges[-1] - edges[0]) * width
        ys = y0 + height * (1 - value)
        pen.line(list(zip(xs.tolist(), ys.tolist(), strict=True)), fill=colour, width=2)
    pen.rectangle([x0, y0, x0 + width, y0 + height], outline=INK)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
