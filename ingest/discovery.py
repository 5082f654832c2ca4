"""Finds what there is to ingest: every log in a folder, of any kind, usable or not.

A bad file never stops the search. It is listed among the found drives, with the problem as its
``trouble``.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.sources.attributes import ATTRIBUTES
from ingest.sources.files import drive_identity, hash_files
from ingest.sources.registry import mapped, recognises, source, sources_called
from ridealong.documents import read_text
from ridealong.errors import RidealongError, UnreadableError
from ridealong.execution.failures import described, may_pass
from ridealong.hashing import short_hash
from ridealong.lake.marker import is_home
from ridealong.perception.recording import DriveFiles, Remarking, Source, Trouble
from ridealong.regular_files import require_regular
from ridealong.terminal.readable import counted

TABLE, JOINED = "table", "joined"


@dataclass(frozen=True)
class Found:
    """What was found below a path, by path.

    Attributes:
        drives: One for each drive; a drive that cannot be used has its trouble.
        ignored: Files of no known kind, and links to folders, which are not followed.
        remarks: What sources say of what they found.
    """

    drives: tuple[DriveFiles, ...]
    ignored: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """What sources say of the drives; then what was ignored, one line for each reason."""
        links = [path for path in self.ignored if path.is_dir()]
        others = [path for path in self.ignored if not path.is_dir()]
        kinds = Counter(path.suffix or path.name for path in others)
        common = ", ".join(kind for kind, _ in kinds.most_common(5))
        notes = [f"skipped, unknown kind: {counted(len(others), 'file')} ({common})"]
        notes += [f"skipped, a link to a folder: {link}" for link in links]
        return [*self.remarks, *(notes if kinds else notes[1:])]


def find_drives(path: Path, source: str | None = None, mapping: Path | None = None) -> Found:
    """Every drive below a folder, without hidden names, or the drives of one log.

    Args:
        path: A folder, or a log. If ``source`` is given, a file may have any suffix.
        source: Name of the only kind of log to look for; by default all kinds.
        mapping: The mapping file that it is read with; only with ``source``.

    Raises:
        RidealongError: The path or source does not exist, there is no log, or a source is broken.
    """
    sources = _sources(source, mapping)
    if not os.path.lexists(path):
        raise RidealongError(
            "no such file or folder", where=path, expected="a recording, or a folder of recordings"
        )
    finder = _Finder(sources)
    if source is not None and not path.is_dir():
        finder.take(path.absolute(), finder.kind_of(path.absolute()) or finder.sources[-1])
    else:
        finder.look(path.absolute())
    if not finder.drives:
        raise RidealongError(
            f"no log of the source {source!r}" if source else "no kind of log that is known",
            where=path,
            expected=None if source else "one of " + ", ".join(each.name for each in sources),
            hint=None if source else _how_else(path),
        )
    return Found(tuple(finder.drives), tuple(finder.ignored), tuple(finder.remarks))


def _sources(name: str | None, mapping: Path | None) -> list[Source]:
    """The sources to ask; one that is named gets the mapping."""
    sources = sources_called(name)
    if mapping is not None and name is None:
        raise RidealongError("--map without --source", expected="--source NAME --map MAP.yaml")
    if name is None:
        return sources
    text = None if mapping is None else read_text(mapping)
    found = [mapped(sources[0], text, str(mapping))]
    if name == TABLE and text is not None:  # videos beside tables belong to their drives
        found = [mapped(source(JOINED), text, str(mapping)), *found]
    return found


def _how_else(path: Path) -> str:
    if path.suffix.lower() in (".csv", ".tsv"):
        return f"a table needs a mapping: ridealong sources map {path} --out map.yaml"
    return "name it with --source if it is one"


@dataclass
class _Finder:
    sources: Sequence[Source]
    drives: list[DriveFiles] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def look(self, path: Path) -> None:
        """Take a log; walk through any other folder."""
        kind = self.kind_of(path)
        if kind is not None:
            self.take(path, kind)
        elif path.is_dir():
            self._walk(path)
        elif not path.name.endswith(ATTRIBUTES):
            self.ignored.append(path)

    def kind_of(self, path: Path) -> Source | None:
        """The first source whose log it is."""
        return next((source for source in self.sources if recognises(source, path)), None)

    def _walk(self, folder: Path) -> None:
        if is_home(folder):
            return  # a lake: its own files are not logs
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self.drives.append(_troubled("folder", folder, error))
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and entry.is_dir():
                self.ignored.append(entry)  # it may lead back to a folder above
            else:
                self.look(entry)

    def take(self, log: Path, kind: Source) -> None:
        """Add the drives of one log; if it is bad, the others are not affected."""
        try:
            if path_text(log) != str(log):
                raise UnreadableError(
                    "its name is not UTF-8", where=path_text(log), hint="rename it"
                )
            if not log.is_dir():
                require_regular(log)
            self.drives += kind.discover(log)
            if isinstance(kind, Remarking):
                self.remarks += kind.remarks(log)
        except Exception as error:
            self.drives.append(_troubled(kind.name, log, error))


def _troubled(source: str, path: Path, error: Exception) -> DriveFiles:
    """A log that cannot even be examined; it counts as new when its content changes."""
    reason = described(error)
    if not isinstance(error, RidealongError):
        reason = f"{path_text(path)}: {reason}"
    sha256, size = short_hash(source, path_text(path), reason), 0
    if path.is_file():
        digest, size = hash_files(path.parent, [path])
        sha256 = short_hash(digest, sha256)
    return DriveFiles(
        source,
        drive_identity(path.stem, sha256),
        path_text(path),
        sha256,
        size,
        Trouble(reason, may_pass(error)),
    )


def path_text(path: Path) -> str:
    """A path as text; bytes that are not UTF-8 are replaced by a sign."""
    return os.fsencode(path).decode("utf-8", "replace")
