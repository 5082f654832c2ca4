import pyarrow as pa
import pytest

from ridealong.errors import RidealongError
from ridealong.lake import Lake, write_data_file
from shadow.networks.registry import add_network, find_network, shipped_manifests
from shadow.releases.promotion import deployed, deployed_id, promote, releases
from shadow.schemas import RUNS

pytestmark = pytest.mark.slow

WAIVER = {"waiver_reason": "first of its kind", "waiver_by": "A. Engineer"}
OLD, NEW = "hydra-1.0", "hydra-1.1"


@pytest.fixture
def lake(home):
    made = Lake.create(home)
    for path in shipped_manifests():
        add_network(made, path)
    return made


@pytest.fixture
def started(lake):
    """A lake in which the old network is deployed."""
    promote(lake, OLD, **WAIVER)
    return lake


def add_run(lake, run_id, verdict, candidate=NEW, against=OLD):
    """A committed run of one network against the other."""
    pair = [find_network(lake.snapshot(), name) for name in (against, candidate)]
    row = {
        "run_id": run_id,
        "deployed": against,
        "candidate": candidate,
        "deployed_sha256": pair[0].network_sha256,
        "candidate_sha256": pair[1].network_sha256,
        "verdict": verdict,
        "clip_ids": [],
        "created_ns": 1,
    }
    commit = lake.new_commit_id()
    table = pa.Table.from_pylist([row], schema=RUNS.schema)
    lake.commit(commit, "test", [write_data_file(lake.home, commit, RUNS, table)], [run_id])
    return run_id


def refusal(lake, *arguments, **options):
    before = releases(lake.snapshot())
    with pytest.raises(RidealongError) as caught:
        promote(lake, *arguments, **options)
    assert releases(lake.snapshot()) == before
    return str(caught.value)


def test_nothing_is_deployed_at_first(lake):
    assert deployed(lake.snapshot()) is None
    with pytest.raises(RidealongError, match="no network is deployed; name one with --deployed"):
        deployed_id(lake.snapshot())


def test_the_first_release_needs_a_waiver(lake):
    assert refusal(lake, OLD) == (
        "no network is deployed that a run could be compared with;"
        " expected a waiver (a reason and a name) for the first release"
    )
    release = promote(lake, OLD, **WAIVER)
    assert (release.release, release.network, release.replaced) == (1, OLD, None)
    assert (release.waiver_reason, release.waiver_by) == tuple(WAIVER.values())
    assert deployed(lake.snapshot()) == release and deployed_id(lake.snapshot()) == OLD


def test_a_run_that_passed_deploys_the_candidate(started):
    run = add_run(started, "run1", "PASS")
    release = promote(started, NEW, run_id=run)
    assert (release.release, release.replaced, release.run_id) == (2, OLD, run)
    assert (release.verdict, release.waiver_by) == ("PASS", None)
    assert deployed_id(started.snapshot()) == NEW
    assert [r.network for r in releases(started.snapshot())] == [OLD, NEW]


@pytest.mark.parametrize("verdict", ["REGRESSED", "INCONCLUSIVE"])
def test_a_run_that_did_not_pass(started, verdict):
    run = add_run(started, "run1", verdict)
    assert refusal(started, NEW, run_id=run) == (
        f"run run1 is {verdict}; expected PASS; fix the network, or sign a waiver with a reason"
        " and a name"
    )
    release = promote(started, NEW, run_id=run, **WAIVER)
    assert (release.verdict, release.waiver_by) == (verdict, "A. Engineer")


def test_no_run_and_no_waiver(started):
    assert refusal(started, NEW) == (
        "there is no evidence that hydra-1.1 is not worse than hydra-1.0; name a run of `ridealong"
        " shadow run --candidate hydra-1.1`, or sign a waiver with a reason and a name"
    )


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        pytest.param({"waiver_reason": "urgent"}, "the waiver is not signed", id="no name"),
        pytest.param({"waiver_by": "me"}, "the waiver has no reason", id="no reason"),
        pytest.param(
            {"waiver_reason": " ", "waiver_by": "me"}, "the waiver has no reason", id="blank"
        ),
        pytest.param(
            {"waiver_reason": "urgent", "waiver_by": ""}, "the waiver is not signed", id="empty"
        ),
    ],
)
def test_half_a_waiver(started, waiver, message):
    assert refusal(started, NEW, **waiver) == (
        f"{message}; expected a reason and the name of the person responsible"
    )


def test_a_run_of_another_candidate(started):
    run = add_run(started, "run1", "PASS", candidate=OLD, against=OLD)
    assert refusal(started, NEW, run_id=run) == (
        "run run1 judged hydra-1.0; expected a run of hydra-1.1"
    )


def test_a_run_against_what_is_no_longer_deployed(started):
    run = add_run(started, "run1", "PASS", candidate=NEW, against=NEW)
    message = refusal(started, NEW, run_id=run)
    assert message.startswith("run run1 was compared with a network that is not deployed now;")
    assert refusal(started, NEW, run_id=run, **WAIVER) == message


def test_a_run_of_a_network_against_itself(lake):
    run = add_run(lake, "run1", "PASS", candidate=NEW, against=NEW)
    message = refusal(lake, NEW, run_id=run)
    assert message == "run run1 compares hydra-1.1 with itself; expected a run of two networks"
    assert refusal(lake, NEW, run_id=run, **WAIVER) == message


def test_a_run_shown_for_the_first_release_proves_nothing(lake):
    run = add_run(lake, "run1", "PASS")
    assert "no network is deployed" in refusal(lake, NEW, run_id=run)


def test_unknown_network_and_run(started):
    assert refusal(started, "hydra-1.2", **WAIVER).startswith("unknown network 'hydra-1.2'")
    assert refusal(started, NEW, run_id="run2") == "unknown run 'run2'; there are no runs yet"
    add_run(started, "run1", "PASS")
    assert refusal(started, NEW, run_id="run2") == "unknown run 'run2'; did you mean 'run1'?"


def test_what_is_deployed_already(started):
    assert refusal(started, OLD, **WAIVER) == "hydra-1.0 is deployed already, since release 1"


def test_going_back_is_a_release_like_any_other(started):
    promote(started, NEW, **WAIVER)
    assert promote(started, OLD, **WAIVER).release == 3


def test_two_who_promote_at_once(started, monkeypatch):
    def late(snapshot):
        """What somebody saw who looked before the other's commit."""
        return seen

    seen = deployed(started.snapshot())
    promote(started, NEW, **WAIVER)
    monkeypatch.setattr("shadow.releases.promotion.deployed", late)
    assert refusal(started, NEW, **WAIVER).startswith(
        "release 2 was made by another process at the same time"
    )
