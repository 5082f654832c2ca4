"""The lake: Delta tables and blobs in one home folder; a command is visible whole or not at all.

`ridealong.lake.files` writes data files and blobs without Delta, so a worker that imports only its
names never loads delta-rs. That is also why the names here are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ridealong.lake.checking import Report
    from ridealong.lake.files import (
        DataFile,
        new_commit_id,
        scratch_folder,
        write_archive,
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
    "write_archive",
    "write_blob",
    "write_data_file",
]

_MODULES = {
    "checking": ("Report",),
    "files": (
        "DataFile",
        "new_commit_id",
        "scratch_folder",
        "write_archive",
        "write_blob",
        "write_data_file",
    ),
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
