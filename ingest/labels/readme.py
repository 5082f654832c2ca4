"""The README.md of an export: what each file is and how to read it without ridealong."""

from pathlib import Path
from string import Template

from ingest.labels.networks import LabelNetworks

_NOTHING_LABELLED = """
None of these images has labels: there is nothing to evaluate, and the results are empty.
"""

_ALL_FORMATS = """
`thresholds.json` has the threshold of each prediction: a pre-label's score is at or above it.
`ridealong-manifest.json` lists the clips and frames of this export, the frames that nobody has
labelled (`unlabelled_ns`), and the hash of every file.
Keep it with your labels: `ridealong labels import` changes only what it lists.
"""


def coco_readme(networks: LabelNetworks, labelled: bool) -> str:
    """The README of a COCO export; ``labelled``: whether any image is labelled."""
    note = "" if labelled else _NOTHING_LABELLED
    return _template("coco").substitute(networks=_named(networks), note=note)


def mcap_readme(networks: LabelNetworks) -> str:
    """The README of an MCAP export."""
    return _template("mcap").substitute(networks=_named(networks))


def format_readme(name: str, networks: LabelNetworks) -> str:
    """The README of an export in another format, by the format's name."""
    text = _template(name.replace("-", "_")).substitute(networks=_named(networks))
    return text + _ALL_FORMATS


def _template(kind: str) -> Template:
    return Template((Path(__file__).parent / f"readme_{kind}.md").read_text("utf-8"))


def _named(networks: LabelNetworks) -> str:
    return "\n".join(f"- `{role}` is {one.network}." for role, one in networks.by_role.items())
