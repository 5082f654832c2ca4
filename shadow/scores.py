"""Stored scores as a run reads them: of its networks, by its definitions and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metrics.tasks.metric import Reference
from ridealong.hashing import short_hash
from ridealong.lake import Snapshot
from ridealong.lake.tables import TableSpec
from ridealong.sql import Query, literal
from shadow.keys import definitions_in


@dataclass(frozen=True)
class ScoreQuery:
    """Which rows of scores and matches belong to a run.

    Attributes:
        networks: The networks (sha256).
        definition: As `shadow.keys.judged_by`.
        labels: The version of the labels of each clip; None if the definition leaves only one.
    """

    networks: tuple[str, ...]
    definition: str
    labels: Mapping[str, str] | None

    def rows(
        self, snapshot: Snapshot, table: TableSpec, more: str = "true", *values: Any
    ) -> pa.Table:
        """The rows of a table.

        Args:
            snapshot: Where to read.
            table: `SCORES` or `MATCHES`.
            more: A further SQL condition.
            values: The values for its placeholders.

        Raises:
            RidealongError: A file of the table is missing or damaged.
        """
        rows = snapshot.query(
            f"""select * from {table.name}
            where list_contains(?, network_sha256) and list_contains(?, definition) and {more}""",
            table,
            params=[list(self.networks), definitions_in(self.definition), *values],
        ).cast(table.schema)
        return rows if self.labels is None else _of_version(rows, self.labels)

    def source(self, snapshot: Snapshot, table: TableSpec) -> Query:
        """The same rows, to be read where they are summed.

        Raises:
            RidealongError: A file of the table is missing or damaged.
        """
        networks = ", ".join(map(literal, self.networks))
        definitions = ", ".join(map(literal, definitions_in(self.definition)))
        stored = f"""SELECT * FROM ({snapshot.rows(table).sql})
            WHERE network_sha256 IN ({networks}) AND definition IN ({definitions})"""
        if self.labels is None:
            return Query(stored)
        versions = f"{table.name}_of_labels"
        known = {"clip_id": list(self.labels), "version": list(self.labels.values())}
        return Query(
            f"""SELECT s.* FROM ({stored}) s LEFT JOIN {versions} v USING (clip_id)
            WHERE s.reference <> '{Reference.LABELS}' OR s.labels = v.version""",
            {versions: pa.table(known, schema=_VERSIONS)},
        )


_VERSIONS = pa.schema({"clip_id": pa.string(), "version": pa.string()})


def query_of(run: Mapping[str, Any]) -> ScoreQuery:
    """The selection of a run's scores, given its row."""
    return ScoreQuery(
        (run["deployed_sha256"], run["candidate_sha256"]), run["definition"], labels_of(run)
    )


def labels_of(run: Mapping[str, Any]) -> dict[str, str] | None:
    """The version of the labels of each clip of a run.

    None for a run of ridealong 0.1, and for a run from result files, whose definition names them.
    """
    versions: Sequence[str] | None = run.get("clip_labels")
    return None if versions is None else dict(zip(run["clip_ids"], versions, strict=True))


def labels_name(run: Mapping[str, Any]) -> str | None:
    """One hash for the versions of the labels of all clips of a run.

    None for a run of ridealong 0.1; of a run from result files, the data set.
    """
    labels = labels_of(run)
    if labels is None:
        return run.get("dataset")
    return short_hash(*(f"{clip}:{labels[clip]}" for clip in sorted(labels)))


def _of_version(rows: pa.Table, labels: Mapping[str, str]) -> pa.Table:
    """The rows without those that were compared with other labels."""
    at = pc.index_in(rows["clip_id"], value_set=pa.array(labels.keys(), pa.string()))
    versions = pc.take(pa.array(labels.values(), pa.string()), at)
    compared = pc.equal(rows["reference"], Reference.LABELS.value)
    same = pc.equal(rows["labels"], versions)  # null where there are no labels
    return rows.filter(pc.or_kleene(pc.invert(compared), same))
