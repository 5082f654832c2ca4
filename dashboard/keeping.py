"""Keeps the answers of queries as long as the tables that they read stay as they are."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from dashboard import session
from ridealong.lake import Snapshot
from ridealong.lake.tables import TableSpec

P = ParamSpec("P")
T = TypeVar("T")


def by_tables(
    query: Callable[P, T], entries: int, *tables: TableSpec, names: dict[Any, Any] | None = None
) -> Callable[P, T]:
    """The query with its answers kept. All users share them, and nobody may change them.

    Args:
        query: Takes a snapshot, and what can be hashed.
        entries: How many answers are kept.
        tables: The tables that it reads: a commit to others changes nothing.
        names: By type, functions that give what to tell arguments apart by.
    """
    versions: dict[Any, Any] = {Snapshot: lambda snapshot: session.version(snapshot, *tables)}
    kept = st.cache_resource(
        hash_funcs=versions | (names or {}), max_entries=entries, show_spinner=False
    )
    return kept(query)
