"""Any sequence of commands, against a plain dictionary of what should be there."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ridealong.lake import AlreadyCommittedError, Lake, Snapshot, write_data_file
from ridealong.lake.tables import TableSpec

LEFT = TableSpec("left", pa.schema([("key", pa.int64()), ("value", pa.string())]), ("key",))
RIGHT = TableSpec("right", LEFT.schema, ("key",))
KEYS = st.integers(0, 6)


class LakeStates(RuleBasedStateMachine):
    """Each key is a row in both tables; commands and a vacuum with no age in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._lake = Lake.create(Path(self._folder.name) / "home")
        self._model: dict[int, str] = {}
        self._sources: set[str] = set()
        self._kept: list[tuple[Snapshot, dict[int, str]]] = []

    def teardown(self) -> None:
        self._folder.cleanup()

    @rule(key=KEYS, value=st.text(max_size=3), vanish=st.booleans())
    def put(self, key: int, value: str, vanish: bool) -> None:
        """Commit a key; or die before the commit."""
        commit_id = self._lake.new_commit_id()
        rows = pa.Table.from_pylist([{"key": key, "value": value}], schema=LEFT.schema)
        files = [write_data_file(self._lake.home, commit_id, one, rows) for one in (LEFT, RIGHT)]
        if vanish:
            return
        try:
            self._lake.commit(commit_id, "put", [file for file in files if file], [str(key)])
            assert str(key) not in self._sources
            self._model[key] = value
        except AlreadyCommittedError:
            assert str(key) in self._sources
        self._sources.add(str(key))

    @rule(key=KEYS)
    def delete(self, key: int) -> None:
        """Delete a key from both tables."""
        commit = self._lake.delete({LEFT: f"key = {key}", RIGHT: f"key = {key}"})
        assert (commit is not None) == (key in self._model)
        self._model.pop(key, None)

    @rule()
    def compact(self) -> None:
        """Merge everything."""
        self._lake.compact()
        assert self._lake.compact().tables == {}

    @rule()
    def keep(self) -> None:
        """Hold on to a snapshot."""
        self._kept.append((self._lake.snapshot(), dict(self._model)))

    @rule(forget=st.booleans())
    def vacuum(self, forget: bool) -> None:
        """Sweep; with no age only when nobody holds a snapshot."""
        if forget:
            self._kept.clear()
        self._lake.vacuum(0 if not self._kept else 60)
        if not self._kept:
            assert self._lake.check().remarks == ()

    @invariant()
    def reads_are_right(self) -> None:
        """Both tables hold the model; kept snapshots hold what they held."""
        for snapshot, model in [*self._kept, (self._lake.snapshot(), self._model)]:
            for spec in (LEFT, RIGHT):
                rows = snapshot.read(spec)
                assert [tuple(row.values()) for row in rows.to_pylist()] == sorted(model.items())

    @invariant()
    def nothing_is_damaged(self) -> None:
        """Check finds no error, whatever happened."""
        assert self._lake.check().errors == ()


TestLakeStates = pytest.mark.slow(LakeStates.TestCase)
LakeStates.TestCase.settings = settings(
    max_examples=3,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
