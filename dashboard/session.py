"""What a page gets from the server: the current lake, and links to video."""

from pathlib import Path

import streamlit as st

from dashboard.media import Links
from dashboard.permission import Permission
from dashboard.routes.pairs import PairLinks
from ridealong.lake import Lake, Snapshot


def home() -> Path:
    """The lake's folder, from the server."""
    return Path(str(st.secrets["ridealong"]["home"]))


def links() -> Links:
    """Makes links that this server's media route accepts."""
    return Links(bytes.fromhex(str(st.secrets["ridealong"]["media_key"])))


def pair_links() -> PairLinks:
    """Makes links that this server's route of picture pairs accepts."""
    return PairLinks(links().key)


def permission() -> Permission:
    """What this server lets browsers change."""
    return Permission.of_secrets(st.secrets["ridealong"])


@st.cache_resource(ttl=5, show_spinner=False)
def snapshot(folder: Path) -> Snapshot:
    """The lake's newest commit; read at most every five seconds."""
    return Lake.open(folder).snapshot()
