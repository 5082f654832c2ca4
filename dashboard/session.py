"""What a page gets from the server: the current lake, and links to video."""

from pathlib import Path

import streamlit as st

from dashboard.permission import Permission
from dashboard.routes.links import Links
from ridealong.hashing import short_hash
from ridealong.lake import Lake, Snapshot
from ridealong.lake.tables import TableSpec


def home() -> Path:
    """The lake's folder, from the server."""
    return Path(str(st.secrets["ridealong"]["home"]))


def links() -> Links:
    """Makes links that this server's own routes accept."""
    return Links(bytes.fromhex(str(st.secrets["ridealong"]["media_key"])))


def permission() -> Permission:
    """What this server lets browsers change."""
    return Permission.of_secrets(st.secrets["ridealong"])


def snapshot(folder: Path) -> Snapshot:
    """The lake's newest commit; under a millisecond when nobody has committed since."""
    return Lake.open(folder).snapshot()


def version(snapshot: Snapshot, *tables: TableSpec) -> str:
    """Differs whenever rows of these tables do: what is kept by it outlives other commits."""
    live = (sorted(snapshot.history.live.get(table.name, {})) for table in tables)
    return short_hash(*map(repr, live))
