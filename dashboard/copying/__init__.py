"""The button Copy link: the address of what a page shows, for a colleague."""

from pathlib import Path

from dashboard.components import component

FOLDER = Path(__file__).parent


def copy_link(address: str) -> None:
    """A button that copies an address: path and query, such as ``/compare?run=…``."""
    component(FOLDER, "copy")(data={"address": address}, key="copy_link")
