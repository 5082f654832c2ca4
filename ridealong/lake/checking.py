"""Check: every file that counts must exist and match its hash; other files are reported too.

An *error* is damage: a query may fail or be wrong. A *remark* is about something that no query
sees, such as files of a killed command, or something that a vacuum will remove or repair.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from ridealong.errors import RidealongError
from ridealong.lake import history
from ridealong.lake.files import BLOBS, DataFile, fingerprint, schema_of
from ridealong.lake.history import COMMITS, History
from ridealong.lake.sweeping import Stray, listed_files, named_blobs, table_folders, walk
from ridealong.lake.verifying import Finding, damage
from ridealong.limits import ExhaustedError
from ridealong.terminal.progress import SILENT, Steps


@dataclass(frozen=True)
class Report:
    """What was checked, and the findings; ``errors`` are damage, ``remarks`` are not."""

    tables: int
    commits: int
    files: int
    blobs: int
    bytes: int
    errors: tuple[Finding, ...]
    remarks: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no damage."""
        return not self.errors


def check(home: Path, steps: Steps = SILENT) -> Report:
    """Hash every file that counts, and compare the commits, the tables' logs and the disk.

    Errors:

    - ``missing`` and ``corrupt``: files
    - ``schema``: a column changes its type between files
    - ``log``: a table's log cannot be read, or uses features that ridealong refuses

    Remarks: ``half-done`` commands, ``orphan`` and ``replaced`` files, ``unreferenced`` blobs,
    ``temporary`` files, a ``lagging`` table log.
    """
    problems: list[Finding] = []
    commits = sorted(_listed(home, COMMITS.name, problems))
    hashed = partial(damage, home, again=True, steps=steps)
    problems += hashed(commits)
    now = _history(home, problems)
    if problems:  # without the commits nothing else can be checked
        return Report(0, 0, len(commits), 0, 0, tuple(problems), ())
    files = [file for table in now.live.values() for file in table.values()]
    problems += hashed([file.path for file in files])
    broken = {finding.path for finding in problems}
    sound = [file for file in files if file.path not in broken]
    blobs = sorted(named_blobs(home, sound))
    problems += [*hashed(blobs), *_clashing_schemas(home, sound)]
    remarks = [*_lagging(home, now, problems), *_strays(home, now, {*commits, *blobs})]
    return Report(
        tables=sum(bool(table) for table in now.live.values()),
        commits=len(now.commits),
        files=len(files),
        blobs=len(blobs),
        bytes=sum(file.bytes for file in files),
        errors=tuple(_still_there(home, problems)),
        remarks=tuple(remarks),
    )


def _history(home: Path, problems: list[Finding]) -> History:
    """The history; if it cannot be read, that is a problem, unless there is one already."""
    try:
        return history.read(home)[1]
    except ExhaustedError:
        raise
    except RidealongError as error:
        problems += [] if problems else [Finding("log", COMMITS.name, error.what)]
        return History()


def _listed(home: Path, name: str, problems: list[Finding]) -> set[str]:
    """The files that a table's own log lists; a log that cannot be read is a problem."""
    try:
        return listed_files(home, name)
    except ExhaustedError:
        raise
    except RidealongError as error:
        problems.append(Finding("log", name, error.what))
        return set()


def _clashing_schemas(home: Path, files: Iterable[DataFile]) -> Iterator[Finding]:
    """Files whose columns differ in type from the table's earlier files, or from the commit."""
    seen: dict[tuple[str, str], pa.DataType] = {}
    for file in files:
        schema = schema_of(home / file.path)
        if fingerprint(schema) != file.schema:
            yield Finding("schema", file.path, "its columns are not those that were committed")
        for column in schema:
            if seen.setdefault((file.table, column.name), column.type) != column.type:
                yield Finding("schema", file.path, f"column {column.name!r} is {column.type} here")


def _lagging(home: Path, now: History, problems: list[Finding]) -> Iterator[Finding]:
    """Tables whose own log, which other tools read, does not match the commits."""
    for name in sorted({folder.name for folder in table_folders(home)} - {COMMITS.name}):
        before = len(problems)
        listed = _listed(home, name, problems)
        if len(problems) > before:
            continue
        live = set(now.live.get(name, {}))
        for path in sorted(live - listed):
            yield Finding("lagging", path, "counts, but other tools do not see it yet")
        for path in sorted((listed - live) & now.replaced.keys()):
            yield Finding("lagging", path, "was replaced, but other tools still see it")


def _strays(home: Path, now: History, needed: set[str]) -> Iterator[Finding]:
    """Files that no query sees, with why they are there."""
    for file in walk(home):
        if file.path in needed or now.is_live(file.path):
            continue
        yield Finding(*_why(file, now))


def _why(file: Stray, now: History) -> tuple[str, str, str]:
    """Kind, path and explanation of a file that does not count."""
    if file.temporary:
        return "temporary", file.path, "a command is writing it, or was killed"
    if file.commit_id in now.abandoned:
        return "half-done", file.path, "its command was declared dead; vacuum removes it"
    if file.commit_id not in now.by_id:
        return "half-done", file.path, "its command has not committed: it is running or was killed"
    if file.path in now.replaced:
        return "replaced", file.path, "delete or compact replaced it; vacuum removes it"
    if file.path.startswith(f"{BLOBS}/"):
        return "unreferenced", file.path, "no row names it; vacuum removes it"
    return "orphan", file.path, "its command committed without it; vacuum removes it"


def _still_there(home: Path, problems: list[Finding]) -> Iterator[Finding]:
    """All problems but files that were replaced and removed during the check."""
    _, latest = history.read(home)
    for finding in problems:
        if finding.kind != "missing" or finding.path not in latest.replaced:
            yield finding
