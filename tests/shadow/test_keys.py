"""What scores and outputs are stored under: nothing that they do not depend on."""

import pytest

from shadow import keys
from shadow.keys import (
    ScoreUnit,
    definition_in,
    definitions_in,
    judged_by,
    labels_version,
    outputs_in,
    outputs_source,
    score_source,
)

OF_0_1 = "39f2f55bc01f62175a96e83b54e6fe85@5"  # one hash over all metrics, and the frame rate


def test_a_run_judges_by_one_definition_a_family() -> None:
    definition = judged_by({"lanes", "depth"}, 2.5)
    depth, lanes = definitions_in(definition)
    assert depth.startswith("depth:") and lanes.startswith("lanes:") and lanes.endswith("@2.5")
    assert definition_in(definition, "lanes") == lanes
    assert outputs_in(definition) == "@2.5"
    with pytest.raises(KeyError):
        definition_in(definition, "objects")


def test_runs_of_ridealong_0_1_have_one_definition() -> None:
    assert definitions_in(OF_0_1) == [OF_0_1] == [definition_in(OF_0_1, "lanes")]
    assert outputs_in(OF_0_1) == OF_0_1


def test_a_new_definition_changes_the_keys_of_its_family_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def words() -> set[str]:
        return set(definitions_in(judged_by({"lanes", "depth", "objects"}, 5)))

    before = words()
    of = keys.definition_of
    monkeypatch.setattr(keys, "definition_of", lambda task: "0" if task == "lanes" else of(task))
    assert words() - before == {"lanes:0@5"} and len(words() & before) == 2


def test_only_comparisons_with_labels_depend_on_the_labels() -> None:
    definition = judged_by({"lanes"}, 5)

    def key(reference: str, labels: str) -> str:
        return score_source(ScoreUnit("a", reference, "lanes"), "clip", labels, definition)

    assert key("labels", "v1") != key("labels", "v2")
    assert key("self", "v1") == key("self", "v2") and key("b", "v1") == key("b", "v2")
    assert len({key("labels", "v1"), key("self", "v1"), key("b", "v1"), key("a", "v1")}) == 4


def test_a_comparison_has_one_key_whichever_is_scored() -> None:
    one, other = ScoreUnit("a", "b", "lanes"), ScoreUnit("b", "a", "lanes")
    definition = judged_by({"lanes"}, 5)
    assert score_source(one, "c", "v", definition) == score_source(other, "c", "v", definition)
    assert (one.other_sha256, ScoreUnit("a", "self", "lanes").other_sha256) == ("b", None)


def test_outputs_depend_on_network_clip_and_frame_rate() -> None:
    assert outputs_source("a" * 64, "clip", "@5") == f"outputs:{'a' * 16}:clip:@5"


def test_labels_are_named_by_the_content_of_the_clip_s_file() -> None:
    name = "0123456789abcdef" * 4
    assert labels_version({"blob": f"blobs/1234/{name}.mcap"}) == "0123456789abcdef"
