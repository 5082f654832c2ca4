from pathlib import Path

import jsonschema
import pytest
import yaml

from metrics.gate.names import FLEET, RunNames
from metrics.gate.spec import DEFAULT_GATE, GateSpec, Watched, load_gate
from metrics.tasks.metric import Better, Metric, Reference
from ridealong.errors import RidealongError, each

CELL = "{prediction: objects/car@main, metric: f1, margin: 0.02}"


def written(folder: Path, text: str) -> Path:
    path = folder / "gate.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_default_gate_names_some_twenty_cells_of_every_task() -> None:
    gate = load_gate(names=FLEET)
    assert 18 <= len(gate.required) <= 24
    tasks = {cell.prediction.split("/")[0].split("@")[0] for cell in gate.required}
    assert tasks == {"objects", "lights", "lanes", "depth", "segmentation", "bev"}
    assert {cell.slice for cell in gate.required} == {"all", "light=day", "light=night"}


def test_the_default_gate_fits_the_published_schema() -> None:
    jsonschema.validate(
        yaml.safe_load(DEFAULT_GATE.read_text("utf-8")), GateSpec.model_json_schema()
    )


def test_an_included_gate_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parity, default = load_gate(Path("gate_parity.yaml"), FLEET), load_gate(names=FLEET)
    for cell in parity.required:
        margin = parity.margin_of(cell.metric, cell)
        usual = [c for c in default.required if (c.prediction, c.metric) == cell.key[:2]]
        assert margin is not None
        assert all(margin <= (default.margin_of(c.metric, c) or 0) / 2 for c in usual)
    (tmp_path / "gate_parity.yaml").write_text(f"required: [{CELL}]")
    assert len(load_gate(Path("gate_parity.yaml")).required) == 1  # one's own has priority
    for name in ("gate_party.yaml", "elsewhere/gate_parity.yaml", "spec.py"):
        with pytest.raises(RidealongError, match=r"(?i)no such file"):
            load_gate(Path(name))


def test_slices_get_their_one_spelling(tmp_path: Path) -> None:
    cell = CELL.replace("}", ", slice: road=city&light=night}")
    gate = load_gate(written(tmp_path, f"required: [{cell}]"))
    assert gate.required[0].slice == "light=night&road=city"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("required: []", "at least 1"),
        ("alpha: 0.05", "'required' is missing"),
        (f"required: [{CELL}, {CELL}]", "required twice: objects/car@main f1"),
        (f"required: [{CELL}]\nmargin: 3", "unknown key 'margin'"),
        (f"required: [{CELL}]\nmin_clusters: 5", "greater than or equal to 8"),
        (f"required: [{CELL}]\nmargins: {{f1: 0}}", "margins.f1: Input should be greater than 0"),
        (f"required: [{CELL}]\nmargins: {{f11: 0.1}}", "did you mean 'f1'"),
        (f"required: [{CELL}]\nwatched: {{metrics: [iuo]}}", "did you mean 'iou'"),
        (f"required: [{CELL}]\nwatched: {{by: [ligth]}}", "did you mean 'light'"),
        (f"required: [{CELL.replace('objects/car@main', chr(34) * 2)}]", "at least 1 character"),
        (f"required: [{CELL.replace('car', 'cra')}]", "did you mean 'car'"),
        (f"required: [{CELL.replace('f1', 'abs_rel')}]", "objects has no metric 'abs_rel'"),
        (f"required: [{CELL.replace('0.02', '-1')}]", "greater than 0"),
        (f"required: [{CELL.replace('}', ', slice: lihgt=day}')}]", "did you mean 'light'"),
        ("required: [{prediction: objects/car@main, metric: f1}]", "has no margin"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RidealongError, match=said) as caught:
        load_gate(written(tmp_path, text), FLEET)
    assert "\n" not in str(caught.value)
    assert "gate.yaml" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RidealongError, match="No such file"):
        load_gate(tmp_path / "none.yaml")


def metric(name: str, *, share: bool = True) -> Metric:
    return Metric(
        name, "mine", Better.HIGHER, "1", ("n", "d"), Reference.LABELS, "", "", share=share
    )


NAMES = RunNames(
    {"mine/a b": {"hits": metric("hits")}, "mine/c": {"cost": metric("cost", share=False)}},
    ("time of day", "city"),
)


def test_any_names_are_free_text(tmp_path: Path) -> None:
    text = """
margins: {hits: 0.1, cost: 20}
required:
  - {prediction: mine/a b, metric: hits, slice: time of day=noon}
  - {prediction: mine/c, metric: cost, margin: 5}
watched: {by: [city], metrics: [cost]}
"""
    path = written(tmp_path, text)
    assert load_gate(path) == load_gate(path, NAMES)
    assert load_gate(path).attributes == {"time of day", "city"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("required: [{prediction: mine/d, metric: cost}]", "unknown prediction 'mine/d'; did you"),
        ("required: [{prediction: mine/c, metric: csot}]", "mine/c has no metric 'csot'; did you"),
        ("required: [{prediction: mine/c, metric: hits}]", "has no metric 'hits'; known: cost"),
        (
            "required: [{prediction: mine/c, metric: cost, slice: tiny=1}]",
            "unknown attribute 'tiny' in a slice; known: city, time of day",
        ),
        ("required: []\nmargins: {hit: 0.1}", "unknown metric 'hit'; did you mean 'hits'"),
        ("required: []\nmargins: {hits: 1}", "the margin of hits is 1; it is a share"),
        ("required: []\nwatched: {by: [cities]}", "did you mean 'city'"),
        ("required: []\nwatched: {metrics: [miss]}", "unknown metric 'miss'"),
    ],
)
def test_what_a_run_lacks_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RidealongError) as caught:
        load_gate(written(tmp_path, text), NAMES)
    assert any(said in str(error) and "gate.yaml" in str(error) for error in each(caught.value))


def test_a_gate_without_slices_watches_those_of_the_run() -> None:
    gate = load_gate().model_copy(update={"watched": Watched()})
    assert gate.watching(["city"]).watched.by == ("city",)
    assert load_gate().watching(["city"]) == load_gate()
