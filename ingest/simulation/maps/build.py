"""Maps made by code: a layout becomes SUMO's network, once, in a folder.

The files of a map depend on the code alone, so a map is built where it is missing and never asked
for again. netconvert makes lanes, junctions, signal programs, sidewalks and crossings.
"""

import errno
import os
import re
import subprocess
import tempfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

from ingest.simulation.maps.layouts import LAYOUTS, Layout, Road
from ingest.simulation.maps.sumo_program import sumo_binary
from ridealong.errors import RidealongError
from ridealong.specs import nearest

MAPS = tuple(LAYOUTS)

_CONVERSION = (
    "--no-turnarounds",
    "--offset.disable-normalization",
    "--crossings.guess",
    "--junctions.corner-detail=5",
    "--junctions.limit-turn-speed=1.9",
    "--junctions.limit-turn-speed.min-angle=8",
    "--tls.yellow.time=3",
    "--tls.allred.time=1",
    "--tls.left-green.time=5",
    "--tls.cycle.time=52",
    "--tls.default-type=static",
    "--walkingareas",
    "--no-warnings",
)


def map_file(folder: Path, name: str, left_hand: bool) -> Path:
    """Path of a map's network in its folder."""
    return folder / f"{name}-{'left' if left_hand else 'right'}.net.xml"


def build_map(folder: Path, name: str, left_hand: bool) -> Path:
    """Return the path of a map's network, and make it first if it is missing.

    Raises:
        RidealongError: Unknown map, or SUMO's netconvert is missing or fails.
        OSError: The disk is full.
    """
    if name not in LAYOUTS:
        raise RidealongError(f"unknown map {name!r}", hint=nearest(name, list(LAYOUTS)))
    path = map_file(folder, name, left_hand)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".map-") as scratch:
            made = _convert(LAYOUTS[name](left_hand), left_hand, Path(scratch))
            made.replace(path)
    return path


def _convert(layout: Layout, left_hand: bool, scratch: Path) -> Path:
    for kind, text in (
        ("nod", _nodes(layout)),
        ("edg", _edges(layout)),
        ("con", _connections(layout)),
    ):
        (scratch / f"map.{kind}.xml").write_text(text, "utf-8")
    made = scratch / "map.net.xml"
    command = [
        str(sumo_binary("netconvert")),
        f"--node-files={scratch / 'map.nod.xml'}",
        f"--edge-files={scratch / 'map.edg.xml'}",
        f"--connection-files={scratch / 'map.con.xml'}",
        f"--lefthand={'true' if left_hand else 'false'}",
        f"--output-file={made}",
        *_CONVERSION,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not made.exists():
        problem = (done.stderr.strip() or "no message").splitlines()[0]
        raise RidealongError(f"netconvert failed: {problem}")
    text = made.read_text("utf-8")
    if not text.endswith("</net>\n"):  # netconvert exits with 0 even when the disk is full
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(made))
    # netconvert writes the time and its options first; without them a map has the same bytes.
    made.write_text(re.sub(r"<!--.*?-->\s*", "", text, count=1, flags=re.S), "utf-8")
    return made


def _nodes(layout: Layout) -> str:
    rows = [
        f'<node id={quoteattr(name)} x="{x:.2f}" y="{y:.2f}" '
        f'type="{"traffic_light" if name in layout.signals else "priority"}"/>'
        for name, (x, y) in layout.nodes.items()
    ]
    return "<nodes>" + "\n".join(rows) + "</nodes>"


def _edges(layout: Layout) -> str:
    return "<edges>" + "\n".join(_edge(road) for road in layout.roads) + "</edges>"


def _edge(road: Road) -> str:
    kind = road.kind
    shape = " ".join(f"{x:.2f},{y:.2f}" for x, y in road.line_m)
    beside = ""
    if kind.sidewalk_m:
        beside = f' sidewalkWidth="{kind.sidewalk_m}" bikeLaneWidth="{kind.bicycle_m}"'
    else:
        beside = ' disallow="pedestrian bicycle"'
    return (
        f"<edge id={quoteattr(road.name)} from={quoteattr(road.start)} to={quoteattr(road.end)} "
        f'numLanes="{kind.lanes}" speed="{kind.speed_mps}" width="{kind.lane_m}" '
        f'priority="{kind.priority}" spreadType="right" shape="{shape}"{beside}/>'
    )


def _connections(layout: Layout) -> str:
    rows = [
        f'<connection from={quoteattr(a)} to={quoteattr(b)} fromLane="{i}" toLane="{j}"/>'
        for a, i, b, j in layout.lanes_to
    ]
    return "<connections>" + "\n".join(rows) + "</connections>"
