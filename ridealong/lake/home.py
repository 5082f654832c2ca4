"""The home: a folder with ``home.json``, one folder a table, and the blobs."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.lake import checking, history, log, rewriting, sweeping, verifying
from ridealong.lake.files import TEMPORARY, DataFile, disk_errors, flush, new_commit_id, schema_of
from ridealong.lake.history import COMMITS, AlreadyCommittedError, Commit, History
from ridealong.lake.marker import MARKER
from ridealong.lake.reserve import COMMIT_BYTES, Reserve, reserved
from ridealong.lake.snapshot import Snapshot
from ridealong.lake.tables import TableSpec
from ridealong.limits import require_to_work
from ridealong.terminal.progress import SILENT, Steps

FORMAT = 1


@dataclass(frozen=True)
class Lake:
    """The tables of one home; docs/lake.md states its guarantees."""

    home: Path

    @classmethod
    def create(cls, home: Path) -> "Lake":
        """Make a home in a new or empty folder; an existing home is opened.

        Raises:
            RidealongError: The folder contains other files, is a file, or may not be written.
        """
        home = home.absolute()
        with disk_errors(home):
            if (home / MARKER).exists():
                return cls.open(home)
            _require_plain_name(home)
            home.mkdir(parents=True, exist_ok=True)
            _require_unused(home)
            log.add(home / COMMITS.name, [], COMMITS.schema)
            # The marker is last, so a folder without it is known to be unfinished.
            temporary = home / f"{TEMPORARY}{secrets.token_hex(8)}"
            temporary.write_text(json.dumps({"format": FORMAT}) + "\n", "utf-8")
            temporary.replace(home / MARKER)
            flush(home)
        return cls(home)

    @classmethod
    def open(cls, home: Path) -> "Lake":
        """Open a home for reading; before writing also call `require_writable`.

        Raises:
            RidealongError: It is missing, is not a home, or has a newer format.
        """
        home = home.absolute()
        if not home.exists():
            raise RidealongError(
                "there is no such folder", where=home, hint="`ridealong ingest` makes a home"
            )
        try:
            content = json.loads((home / MARKER).read_text("utf-8"))
            form = int(content["format"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RidealongError(
                "not a home of ridealong", where=home, expected=f"a folder with a {MARKER}"
            ) from error
        if form > FORMAT:
            raise RidealongError(
                f"the home has format {form}",
                where=home,
                expected=f"format {FORMAT} or older",
                hint="it was written by a newer ridealong: use that one",
            )
        return cls(home)

    def require_writable(self) -> None:
        """Fail now rather than after an hour of work.

        Raises:
            RidealongError: The home may not be written.
        """
        probe = self.home / f"{TEMPORARY}{secrets.token_hex(8)}"
        with disk_errors(self.home):
            probe.touch()
            probe.unlink()

    def new_commit_id(self) -> str:
        """A new id for one command's work; all its files are written under it.

        Raises:
            RidealongError: The home may not be written, or the process may open too few files.
        """
        require_to_work()
        self.require_writable()
        return new_commit_id()

    def reserve(self, size: int = COMMIT_BYTES) -> AbstractContextManager[Reserve]:
        """Reserve room on the disk for a command's last step; see `ridealong.lake.reserve`.

        ::

            with lake.reserve() as reserve:
                outcomes = run(plan)  # may fill the disk
                reserve.release()
                lake.commit(...)  # what was finished
        """
        return reserved(self.home, size)

    def commit(
        self,
        commit_id: str,
        command: str,
        files: Iterable[DataFile],
        sources: Iterable[str] = (),
        counts: Mapping[str, object] | None = None,
    ) -> Commit:
        """Put a command's files into the lake, all at once.

        A second call with the same commit id changes nothing.

        Args:
            commit_id: The id from `new_commit_id` that the files were written under.
            command: What was done, for the log.
            files: What `write_data_file` and `write_blob` returned.
            sources: Keys of the inputs (hashes); each key can be committed only once.
            counts: The command's own counts, for the log.

        Raises:
            AlreadyCommittedError: Another commit has some of the sources; nothing was added. The
                files that came from other sources may be committed again.
            RidealongError: A file is missing, a row names a blob that is not there, a column has
                another type than before, the disk is full, or a vacuum removed the files.
        """
        commit = Commit(
            commit_id,
            command,
            files=tuple(sorted(set(files), key=lambda file: file.path)),
            sources=tuple(sorted(set(sources))),
            counts=json.dumps(dict(counts or {}), sort_keys=True, allow_nan=False),
        )
        self._require_whole(commit)
        _, now = history.read(self.home)
        if earlier := now.by_id.get(commit_id):
            return earlier
        self._refuse_double(commit, now)
        data = [file for file in commit.files if not file.is_blob]
        for name in sorted({file.table for file in data}):
            mine = [file for file in data if file.table == name]
            schemas = [schema_of(self.home / file.path).remove_metadata() for file in mine]
            log.add(self.home / name, mine, pa.unify_schemas(schemas))
        recorded = history.record(self.home, lambda now: self._refuse_double(commit, now))
        assert recorded is not None
        return recorded

    def snapshot(self) -> Snapshot:
        """A consistent view of all tables, as of now."""
        return Snapshot(self.home, history.read(self.home)[1])

    def delete(
        self, where: Mapping[TableSpec | str, str], command: str = "delete"
    ) -> Commit | None:
        """Delete rows from several tables in one commit; see `ridealong.lake.rewriting.delete`."""
        self.require_writable()
        return rewriting.delete(self.home, where, command)

    def erase_vehicle(self, vehicle_id: str) -> Commit | None:
        """Delete everything of one vehicle; `vacuum` with age 0 then removes it from the disk.

        Rows are deleted from every table with a column ``vehicle_id``, ``drive_id`` or ``clip_id``.
        """
        self.require_writable()
        return rewriting.erase_vehicle(self.home, vehicle_id)

    def compact(
        self,
        tables: Sequence[TableSpec | str] | None = None,
        target_bytes: int = rewriting.TARGET_BYTES,
    ) -> rewriting.Compaction:
        """Merge small files; see `ridealong.lake.rewriting.compact`."""
        self.require_writable()
        return rewriting.compact(self.home, tables, target_bytes)

    def vacuum(self, older_than_s: float = sweeping.DAY_S) -> sweeping.Sweep:
        """Remove files that are no longer needed; see `ridealong.lake.sweeping.vacuum`."""
        self.require_writable()
        return sweeping.vacuum(self.home, older_than_s)

    def check(self, steps: Steps = SILENT) -> checking.Report:
        """Look for damage; see `ridealong.lake.checking.check`."""
        return checking.check(self.home, steps)

    def verify(self, paths: Iterable[str | Path]) -> None:
        """Check data files or blobs before they are used.

        Raises:
            DamagedError: Some are missing or damaged; the message names the first and counts them.
        """
        verifying.require_sound(self.home, map(str, paths))

    def damaged(self, paths: Iterable[str | Path]) -> dict[str, str]:
        """The files that are missing or damaged, each with the reason."""
        found = verifying.damage(self.home, map(str, paths))
        return {finding.path: finding.what for finding in found}

    def path(self, blob: str) -> Path:
        """The absolute path of a blob, given as in a row's column ``blob``; its hash is checked.

        Raises:
            DamagedError: It is missing or damaged.
        """
        verifying.require_sound(self.home, [blob])
        return self.home / blob

    def _refuse_double(self, commit: Commit, now: History) -> Commit:
        taken = [source for source in commit.sources if source in now.sources]
        if taken and commit.commit_id not in now.by_id:
            raise AlreadyCommittedError(taken, self.home)
        return commit

    def _require_whole(self, commit: Commit) -> None:
        """Refuse a commit unless all its files are on the disk, under its own id."""
        for file in commit.files:
            if file.commit_id != commit.commit_id:
                raise ValueError(f"{file.path} was written under another commit id")
            path = self.home / file.path
            if not path.is_file() or path.stat().st_size != file.bytes:
                raise RidealongError("missing or cut short before the commit", where=path)
        for file in commit.files:
            for blob in () if file.is_blob else sweeping.blobs_of(self.home / file.path):
                if not (self.home / blob).is_file():
                    raise RidealongError(f"names a blob that is not there: {blob}", where=file.path)


def _require_plain_name(home: Path) -> None:
    """Refuse a path that delta-rs 1.6 cannot open: it decodes escapes in folder names."""
    if re.search("%[0-9A-Fa-f]{2}", str(home)):
        raise RidealongError(
            "the path looks URL-encoded (a '%' and two digits)",
            where=home,
            expected="a folder without that",
        )


def _require_unused(home: Path) -> None:
    """Refuse a folder that contains anything but an unfinished home."""
    entries = (entry.name for entry in home.iterdir())
    others = [name for name in entries if name != COMMITS.name and not name.startswith(TEMPORARY)]
    if others:
        raise RidealongError(
            f"the folder is not empty and not a home of ridealong (it has {sorted(others)[0]!r})",
            where=home,
            expected="a new or empty folder, or a home",
        )
