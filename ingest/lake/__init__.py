"""The lake: Delta tables and blobs under one home folder; a command is there whole or not at all.

`ingest.lake.files` writes data files and blobs and needs no Delta: a worker that imports a name of
it alone never loads delta-rs. Names are found when they are first asked for, for the same reason.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.lake.checking import HASHING, Finding, Report
    from ingest.lake.files import (
        DataFile,
        new_commit_id,
        scratch_folder,
        write_blob,
        write_data_file,
    )
    from ingest.lake.history import COMMITS, AlreadyCommittedError, Commit
    from ingest.lake.home import Lake
    from ingest.lake.rewriting import Compaction
    from ingest.lake.snapshot import Snapshot
    from ingest.lake.sweeping import Sweep

__all__ = [
    "COMMITS",
    "HASHING",
    "AlreadyCommittedError",
    "Commit",
    "Compaction",
    "DataFile",
    "Finding",
    "Lake",
    "Report",
    "Snapshot",
    "Sweep",
    "new_commit_id",
    "scratch_folder",
    "write_blob",
    "write_data_file",
]

_MODULES = {
    "checking": ("HASHING", "Finding", "Report"),
    "files": ("DataFile", "new_commit_id", "scratch_folder", "write_blob", "write_data_file"),
    "history": ("COMMITS", "AlreadyCommittedError", "Commit"),
    "home": ("Lake",),
    "rewriting": ("Compaction",),
    "snapshot": ("Snapshot",),
    "sweeping": ("Sweep",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
