from pathlib import Path

import pytest

from shadow.networks.hydranet.training.recipe import Recipe, load_recipe

TINY = Path(__file__).with_name("tiny.yaml")


@pytest.fixture
def recipe_text() -> str:
    """A recipe of seconds."""
    return TINY.read_text("utf-8")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """The same, read."""
    return load_recipe(TINY)
