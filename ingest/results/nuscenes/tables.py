"""The relational tables of nuScenes, as columns.

Schema: https://www.nuscenes.org/nuscenes#data-format. DuckDB reads the files, because the two
largest have more than a gigabyte and few of their rows are needed.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError
from ridealong.sql import literal

EXPECTED = "a folder with the tables of nuScenes (sample.json, sample_annotation.json, ...)"
LIDAR, CAMERA = "LIDAR_TOP", "CAM_FRONT"
# The columns that are read of each table.
COLUMNS = {
    "scene": {
        "token": "VARCHAR", "name": "VARCHAR", "description": "VARCHAR", "log_token": "VARCHAR",
    },
    "log": {"token": "VARCHAR", "logfile": "VARCHAR", "vehicle": "VARCHAR", "location": "VARCHAR"},
    "sample": {"token": "VARCHAR", "timestamp": "BIGINT", "scene_token": "VARCHAR"},
    "sample_data": {
        "sample_token": "VARCHAR", "ego_pose_token": "VARCHAR",
        "calibrated_sensor_token": "VARCHAR", "is_key_frame": "BOOLEAN", "filename": "VARCHAR",
    },
    "ego_pose": {"token": "VARCHAR", "translation": "DOUBLE[]"},
    "calibrated_sensor": {"token": "VARCHAR", "sensor_token": "VARCHAR"},
    "sensor": {"token": "VARCHAR", "channel": "VARCHAR"},
    "instance": {"token": "VARCHAR", "category_token": "VARCHAR"},
    "category": {"token": "VARCHAR", "name": "VARCHAR"},
    "attribute": {"token": "VARCHAR", "name": "VARCHAR"},
    "sample_annotation": {
        "token": "VARCHAR", "sample_token": "VARCHAR", "instance_token": "VARCHAR",
        "attribute_tokens": "VARCHAR[]", "translation": "DOUBLE[]", "size": "DOUBLE[]",
        "rotation": "DOUBLE[]", "prev": "VARCHAR", "next": "VARCHAR",
        "num_lidar_pts": "BIGINT", "num_radar_pts": "BIGINT",
    },
}  # fmt: skip
# The place of the vehicle and the picture of each sample, from the two largest tables.
_KEY_FRAMES = """
SELECT d.sample_token AS sample_token, s.channel AS channel,
       max(p.translation) AS translation, max(d.filename) AS filename
FROM {sample_data} d
JOIN {calibrated_sensor} c ON d.calibrated_sensor_token = c.token
JOIN {sensor} s ON c.sensor_token = s.token
LEFT JOIN {ego_pose} p ON d.ego_pose_token = p.token
WHERE d.is_key_frame AND s.channel IN ('LIDAR_TOP', 'CAM_FRONT')
GROUP BY ALL
"""


@dataclass(frozen=True)
class Tables:
    """The tables of one version of the data set, such as ``v1.0-trainval``.

    Attributes:
        folder: Where they are.
        connection: What reads them.
    """

    folder: Path
    connection: duckdb.DuckDBPyConnection

    def read(self, name: str) -> pa.Table:
        """A table in the order of its file.

        Raises:
            RidealongError: It is missing, is not such a table, or lacks tokens.
        """
        table = self._query(f"SELECT * FROM {self._source(name)}", name)
        for column in table.column_names:
            optional = column in {"description", "attribute_tokens"}
            if table[column].null_count and not optional:
                raise RidealongError(
                    f"{table[column].null_count} rows have no {column}", where=self.path(name)
                )
        return table

    def key_frames(self) -> pa.Table:
        """``sample_token, channel, translation, filename`` of `LIDAR` and `CAMERA`."""
        names = ("sample_data", "calibrated_sensor", "sensor", "ego_pose")
        query = _KEY_FRAMES.format(**{name: self._source(name) for name in names})
        return self._query(query, "sample_data")

    def path(self, name: str) -> Path:
        """The file of a table."""
        return self.folder / f"{name}.json"

    def _source(self, name: str) -> str:
        if not self.path(name).is_file():
            raise RidealongError(
                f"has no table {name} ({name}.json)", where=self.folder, expected=EXPECTED
            )
        columns = ", ".join(f"{column}: '{kind}'" for column, kind in COLUMNS[name].items())
        path = literal(str(self.path(name)))
        return f"read_json({path}, format = 'array', columns = {{{columns}}})"

    def _query(self, query: str, name: str) -> pa.Table:
        try:
            return self.connection.sql(query).to_arrow_table()
        except (duckdb.Error, UnicodeDecodeError) as error:
            first = str(error).split("\n", maxsplit=1)[0]
            raise RidealongError(
                f"is no table of nuScenes ({first})", where=self.path(name)
            ) from error


def find_tables(path: Path, connection: duckdb.DuckDBPyConnection) -> Tables:
    """The tables in a folder, or in its only folder of a version.

    Raises:
        RidealongError: There are none, or several versions.
    """
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise RidealongError(what, where=path, expected=EXPECTED)
    if (path / "sample.json").is_file():
        return Tables(path, connection)
    versions = sorted(one for one in path.iterdir() if (one / "sample.json").is_file())
    if not versions:
        raise RidealongError("has no table sample (sample.json)", where=path, expected=EXPECTED)
    if len(versions) > 1:
        names = ", ".join(one.name for one in versions)
        raise RidealongError(f"has several versions: {names}", where=path, hint="name one of them")
    return Tables(versions[0], connection)


def places(tokens: pa.ChunkedArray, wanted: pa.ChunkedArray) -> Ints:
    """``(N,)``: the row of each wanted token; -1 if there is none."""
    index = pc.index_in(wanted, value_set=tokens.combine_chunks())
    return np.asarray(pc.fill_null(index, -1).to_numpy(), np.int64)


def references(
    tables: Tables, name: str, wanted: pa.ChunkedArray, to: str, tokens: pa.ChunkedArray
) -> Ints:
    """`places`, all of which must be there.

    Raises:
        RidealongError: A table refers to a token that another one does not have.
    """
    found = places(tokens, wanted)
    if (missing := np.flatnonzero(found < 0)).size:
        token = wanted[int(missing[0])].as_py()
        raise RidealongError(
            f"{missing.size} rows refer to rows of {to} that are not there, such as {token!r}",
            where=tables.path(name),
        )
    return found


def vectors(column: pa.ChunkedArray, length: int, where: Path) -> Floats:
    """``(N, length)`` of a column of lists.

    Raises:
        RidealongError: A list has another length or an empty value.
    """
    lists = column.combine_chunks()
    values = pc.list_flatten(lists)
    lengths = pc.list_value_length(lists).fill_null(-1).to_numpy()
    if (lengths != length).any() or values.null_count:
        row = int(np.argmax(lengths != length)) + 1
        raise RidealongError(
            f"row {row} does not have {length} numbers where it should", where=where
        )
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64).reshape(-1, length)
