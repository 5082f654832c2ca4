"""``ridealong networks train`` from a recipe to a network that another home can use."""

import json

import pytest
import yaml

from tests.oracles.networks import open_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def trained(training):
    """The folder of the training, and what its command said."""
    return training / "work", json.loads((training / "report.json").read_text("utf-8"))


def test_a_recipe_becomes_a_network(trained):
    out, report = trained
    assert report["fresh"] and report["sets"] >= 8 and report["epochs"] == 2
    folder = out / "tiny-1"
    network = open_folder(folder / "manifest.yaml")
    assert len(network.manifest.predictions) == report["predictions"]
    assert "map training" in network.manifest.trained
    assert "map calibration" in network.manifest.trained
    card = (folder / "card.md").read_text()
    assert "# tiny-1" in card and "light day" in card and "bev/road" in card


def test_thresholds_are_those_of_the_best_value(trained):
    out, _ = trained
    values = json.loads((out / "tiny-1" / "calibration.json").read_text())
    manifest = yaml.safe_load((out / "tiny-1" / "manifest.yaml").read_text())
    assert manifest["thresholds"] == {name: v[2] for name, v in values.items()}
    assert values["bev/road"][0] == "iou" and values["bev/road"][1] > 0.1


def test_the_same_command_again_does_nothing(trained, recipe_text, program, tmp_path):
    out, report = trained
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text)
    again = program("networks", "train", path, "--out", out, "--json")
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert document["fresh"] is False and document["sha256"] == report["sha256"]


def test_another_recipe_is_refused(trained, recipe_text, program, tmp_path):
    out, _ = trained
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text.replace("epochs: 2", "epochs: 3"))
    done = program("networks", "train", path, "--out", out)
    assert done.returncode == 2 and "the folder contains another recipe's work" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_of_something_else_is_refused(recipe_text, program, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text)
    done = program("networks", "train", path, "--out", tmp_path)
    assert done.returncode == 2 and "not an empty folder" in done.stderr
