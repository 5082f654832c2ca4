"""The part of the page Release that needs a script: the pair of pictures."""

from pathlib import Path

from dashboard.components import component

FOLDER = Path(__file__).parent


def picture_pair(facts: str, key: str) -> None:
    """The costliest frame, deployed beside candidate, once the server has drawn it.

    Args:
        facts: The link to what is known of the pair; see `dashboard.routes.pairs`.
        key: Different for different pairs.
    """
    component(FOLDER, "pair", ("../asking", "pair"))(data={"facts": facts}, key=key)
