"""Reads two statistics files as items, pairs of sums, and metrics."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.results.statistics.files import StatisticsFile, load_rows, open_file, reading
from ingest.results.statistics.pairs import (
    NAMED,
    OneSided,
    OwnMetric,
    margins_of,
    metrics_of,
    one_sided,
    pair_rows,
)
from ridealong.errors import RidealongError
from ridealong.perception.result_files import SIDES, Frames, Note, Role
from ridealong.specs import nearest
from ridealong.sql import quiet_connection

LEAST_MEMORY = 600_000_000  # bytes
NAME = pa.dictionary(pa.int32(), pa.string())

# The sums of one network, one row per item, prediction and metric that both files have.
PAIRED = pa.schema(
    [
        pa.field("frame", pa.int32()),  # index into the items
        pa.field("prediction", NAME),
        pa.field("metric", NAME),
        pa.field("numerator", pa.float64()),
        pa.field("denominator", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Statistics:
    """What two statistics files say about the same items.

    Attributes:
        frames: The items of which both files have something.
        metrics: The metrics of either file, by name.
        judged: Predictions and metrics of either file, sorted.
        margins: The margins that the files give, by prediction and metric.
        deployed, candidate: Rows of `PAIRED`, in the same order.
        one_sided: What only one file has.
        notes: Oddities.
    """

    frames: Frames
    metrics: tuple[OwnMetric, ...]
    judged: tuple[tuple[str, str], ...]
    margins: Mapping[tuple[str, str], float]
    deployed: pa.Table
    candidate: pa.Table
    one_sided: OneSided
    notes: tuple[Note, ...]


def read_statistics(
    deployed: Path, candidate: Path, slices: Sequence[str] = (), scratch: Path | None = None
) -> Statistics:
    """Read and pair two files.

    Args:
        deployed: Parquet or CSV.
        candidate: The same.
        slices: Attributes that must be there and agree.
        scratch: A folder for a temporary database; None: the system's.

    Raises:
        RidealongError: A file cannot be read, a row is impossible, rows contradict each other, or a
            slice's column is missing.
    """
    paths = dict(zip(SIDES, (deployed, candidate), strict=True))
    with _database(scratch, paths.values()) as connection:
        files = {role: open_file(connection, path) for role, path in paths.items()}
        _check_slices(files, slices)
        for role, file in files.items():
            load_rows(connection, file, role)
        with reading(deployed):
            pair_rows(connection)
            metrics = metrics_of(connection, files)
            margins = margins_of(connection, files)
            alone = one_sided(connection)
            judged = connection.execute(
                "select distinct prediction, metric from joined order by 1, 2"
            ).fetchall()
            attributes, notes = _attributes(connection, files, slices)
            ours, theirs = _paired(connection)
            frames = _frames(connection, attributes)
    notes = [*_notes(alone), *_endless(metrics, margins), *notes]
    return Statistics(frames, metrics, tuple(judged), margins, ours, theirs, alone, tuple(notes))


@contextmanager
def _database(scratch: Path | None, files: Iterable[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database on the disk that takes no more memory than both files, or `LEAST_MEMORY`.

    With less, DuckDB cannot join and number many millions of items.
    """
    memory = max(LEAST_MEMORY, sum(path.stat().st_size for path in files if path.is_file()))
    with (
        tempfile.TemporaryDirectory(dir=scratch) as folder,
        quiet_connection(
            str(Path(folder) / "statistics.duckdb"), memory_limit=f"{memory}B"
        ) as connection,
    ):
        yield connection


def _check_slices(files: Mapping[Role, StatisticsFile], slices: Sequence[str]) -> None:
    for name in slices:
        for file in files.values():
            if name not in file.attributes:
                raise RidealongError(
                    f"there is no column {name!r} to slice by", where=file.path,
                    hint=nearest(name, file.attributes) if file.attributes else None,
                )  # fmt: skip


def _attributes(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[Role, StatisticsFile],
    slices: Sequence[str],
) -> tuple[dict[str, str], list[Note]]:
    """The columns that are attributes of items, and those that are not, because values differ.

    The table ``attributes`` has them, by their column's name in it.
    """
    ours, theirs = (files[role].attributes for role in SIDES)
    shared = [name for name in ours if name in theirs]
    shared = [
        name
        for name in shared
        if name in slices or not _is_number(connection, f"a{ours.index(name)}")
    ]
    if not shared:
        connection.execute("create table attributes as select drive, item from items")
        return {}, []
    columns = [", ".join(f"a{names.index(name)} as s{at}" for at, name in enumerate(shared))
               for names in (ours, theirs)]  # fmt: skip
    values = ", ".join(f"min(s{at}) as s{at}, max(s{at}) as t{at}" for at in range(len(shared)))
    connection.execute(
        f"""create table attributes as select drive, item, {values} from (
            select drive, item, {columns[0]} from deployed union all
            select drive, item, {columns[1]} from candidate
        ) semi join items using (drive, item) group by drive, item"""
    )
    kept, notes = {}, []
    for at, name in enumerate(shared):
        odd = connection.execute(
            f"select drive, item, s{at}, t{at} from attributes where s{at} <> t{at} order by all"
        ).fetchall()
        if not odd:
            kept[name] = f"s{at}"
            continue
        drive, item, one, other = odd[0]
        what = f"{name} of item {item} of drive {drive} is both {one!r} and {other!r}"
        if name in slices:
            hint = "an attribute must have one value per item, the same in both files"
            raise RidealongError(what, where=files["candidate"].path, hint=hint)
        text = f"items have several values of {name}, so it is no slice: {what}"
        notes.append(Note("attribute-contradicts", "candidate", len(odd), text))
    return kept, notes


def _is_number(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Whether an attribute has only numbers: a count or an index, and no slice unless named."""
    found = connection.execute(
        f"select count(*) = count(try_cast({column} as double)) from deployed "
        f"where {column} is not null"
    )
    return bool(found.fetchall()[0][0])


def _paired(connection: duckdb.DuckDBPyConnection) -> tuple[pa.Table, pa.Table]:
    """The pairs of each network as rows of `PAIRED`."""
    names = {name: _codes(connection, name) for name in ("prediction", "metric")}

    def of(side: str) -> pa.Table:
        rows = connection.sql(
            f"""select frame, prediction_code as prediction, metric_code as metric,
                {side}_numerator as numerator, {side}_denominator as denominator
            from joined join items using (drive, item) join prediction_codes using (prediction)
            join metric_codes using (metric)
            where d_row is not null and c_row is not null order by 1, 2, 3"""
        ).to_arrow_table()
        columns = [
            rows["frame"],
            *(_coded(rows[name], names[name]) for name in names),
            rows["numerator"],
            rows["denominator"],
        ]
        return pa.table(columns, schema=PAIRED)

    return of("d"), of("c")


def _codes(connection: duckdb.DuckDBPyConnection, name: str) -> pa.Array:
    """All values of a column, sorted; the table ``<name>_codes`` has their places."""
    connection.execute(
        f"""create table {name}_codes as
        select {name}, (row_number() over (order by {name}) - 1)::integer as {name}_code
        from (select distinct {name} from joined)"""
    )
    rows = connection.execute(f"select {name} from {name}_codes order by {name}").fetchall()
    return pa.array([row[0] for row in rows], pa.string())


def _coded(codes: pa.ChunkedArray, names: pa.Array) -> pa.ChunkedArray:
    chunks = [pa.DictionaryArray.from_arrays(chunk, names) for chunk in codes.chunks]
    return pa.chunked_array(chunks, NAME)


def _frames(connection: duckdb.DuckDBPyConnection, attributes: Mapping[str, str]) -> Frames:
    columns = "".join(f", {column}" for column in attributes.values())
    rows = connection.sql(
        f"select drive, item{columns} from items join attributes using (drive, item) order by frame"
    ).to_arrow_table()
    names = {name: rows[column].combine_chunks() for name, column in attributes.items()}
    drive = rows["drive"].combine_chunks().cast(pa.string())
    return Frames(
        name=_item_ids(drive, rows["item"].combine_chunks().cast(pa.string())),
        drive=drive,
        time_s=np.full(rows.num_rows, np.nan),
        image=pa.nulls(rows.num_rows, pa.string()),
        attributes=pa.table(
            {name: column.cast(pa.string()) for name, column in names.items()}
        ) if names else _no_columns(rows.num_rows),
    )  # fmt: skip


def _no_columns(rows: int) -> pa.Table:
    """A table of that many rows without columns."""
    return pa.table({"none": pa.nulls(rows)}).select([])


def _item_ids(drive: pa.Array, item: pa.Array) -> pa.Array:
    """Unique names of items: their own, or with their drive if two drives use the same."""
    if len(pc.unique(item)) == len(item):
        return item
    whole = {name: quote(name, safe=" ,:;+=@()[]") for name in pc.unique(drive).to_pylist()}
    pairs = zip(drive.to_pylist(), item.to_pylist(), strict=True)
    return pa.array([f"{whole[one]}/{own}" for one, own in pairs], pa.string())


def _endless(
    metrics: Sequence[OwnMetric], margins: Mapping[tuple[str, str], float]
) -> Iterator[Note]:
    """A note about margins that no loss can exceed."""
    shares = {one.name for one in metrics if one.share}
    names = [f"{p} {m}" for (p, m), margin in margins.items() if m in shares and margin >= 1]
    if names:
        text = "margins are 1 or more though all values are from 0 to 1; no loss can exceed that"
        yield Note("margins-too-large", "candidate", len(names), text, tuple(names[:NAMED]))


def _notes(alone: OneSided) -> Iterator[Note]:
    for role in SIDES:
        if alone.of[role]:
            text = (
                f"items have rows in the {role} file that the other lacks; these rows do not count"
            )
            yield Note("one-sided-items", role, alone.of[role], text, alone.examples[role])
        if names := alone.predictions[role]:
            text = "predictions are only in this file"
            yield Note("one-sided-predictions", role, len(names), text, names[:NAMED])
