"""The lake: Delta tables and blobs under one home folder. Commits are atomic.

`ridealong.lake.files` writes data files and blobs and needs no Delta: a worker that imports only
its names never loads delta-rs. For the same reason, names of this package are imported when they
are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ridealong.lake.checking import Report
    from ridealong.lake.files import (
        DataFile,
        new_commit_id,
        scratch_folder,
        write_blob,
        write_data_file,
    )
    from ridealong.lake.history import COMMITS, AlreadyCommittedError, Commit
    from ridealong.lake.home import Lake
    from ridealong.lake.reserve import Reserve
    from ridealong.lake.rewriting import Compaction
    from ridealong.lake.snapshot import Snapshot
    from ridealong.lake.sweeping import Sweep
    from ridealong.lake.verifying import DamagedError, Finding

__all__ = [
    "COMMITS",
    "AlreadyCommittedError",
    "Commit",
    "Compaction",
    "DamagedError",
    "DataFile",
    "Finding",
    "Lake",
    "Report",
    "Reserve",
    "Snapshot",
    "Sweep",
    "new_commit_id",
    "scratch_folder",
    "write_blob",
    "write_data_file",
]

_MODULES = {
    "checking": ("Report",),
    "files": ("DataFile", "new_commit_id", "scratch_folder", "write_blob", "write_data_file"),
    "history": ("COMMITS", "AlreadyCommittedError", "Commit"),
    "home": ("Lake",),
    "reserve": ("Reserve",),
    "rewriting": ("Compaction",),
    "snapshot": ("Snapshot",),
    "sweeping": ("Sweep",),
    "verifying": ("DamagedError", "Finding"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
