import pytest

from ridealong.errors import RidealongError
from ridealong.specs import parse_spec
from shadow.networks.hydranet.training.recipe import HEADS, Recipe


def test_a_recipe_reads(recipe):
    assert recipe.id == "tiny-1"
    assert recipe.train.steps == (20, 5)
    assert set(recipe.fit.weights) == set(HEADS)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("stem: 16", "stem: 16\n  stemm: 3", "stemm", id="unknown key"),
        pytest.param(
            "epochs: 2", "epochs: 2, weights: {ligths: 1}", "did you mean 'lights'?", id="no head"
        ),
        pytest.param(
            "epochs: 2", "epochs: 2, weights: {lights: 1}", "no weight for the head", id="unlearnt"
        ),
        pytest.param("map: calibration", "map: training", "take another map", id="same map"),
        pytest.param(
            "height: 64, width: 96, rate", "height: 96, width: 96, rate", "96 x 64", id="size"
        ),
        pytest.param("every: 2 s", "every: 2 km", "2 km", id="no duration"),
        pytest.param("every: 2 s", "every: 0.05 s", "not a multiple of", id="too often"),
        pytest.param("epochs: 2", "epochs: 0", "fit.epochs", id="no epoch"),
        pytest.param("learning_rate: 0.003", "learning_rate: -1", "learning_rate", id="rate"),
    ],
)
def test_bad_recipes(recipe_text, old, new, said):
    with pytest.raises(RidealongError) as caught:
        parse_spec(recipe_text.replace(old, new), Recipe, where="recipe.yaml")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_head_that_is_not_there_needs_no_weight(recipe_text):
    text = recipe_text.replace("  trunk: 16", "  trunk: 16\n  lights: []")
    with pytest.raises(RidealongError, match="no head 'lights'"):
        parse_spec(text, Recipe, where="recipe.yaml")
    weights = ", ".join(f"{head}: 1" for head in HEADS if head != "lights")
    text = text.replace("epochs: 2", f"epochs: 2, weights: {{{weights}}}")
    assert not parse_spec(text, Recipe, where="recipe.yaml").config.lights
