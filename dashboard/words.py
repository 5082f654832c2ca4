"""The terms of the pages, each explained in one line (terms.yaml); the page Glossary lists them.

``python -m dashboard.words`` writes the glossary as Markdown, for docs/glossary.md.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

SOURCE = Path(__file__).parent / "terms.yaml"
HEAD = """# Glossary

One line for each term. One word has one meaning in all pages, messages and names.
"""


@cache
def sections() -> Mapping[str, Mapping[str, str]]:
    """All terms with their meanings, by section."""
    found: dict[str, dict[str, str]] = yaml.safe_load(SOURCE.read_text("utf-8"))
    return found


@cache
def _terms() -> Mapping[str, str]:
    return {term: line for section in sections().values() for term, line in section.items()}


def help_of(term: str) -> str:
    """The line that explains a term, as a sentence.

    Raises:
        KeyError: The term has no line yet; every term on a page needs one.
    """
    return sentence(_terms()[term])


def sentence(meaning: str) -> str:
    """A line of the glossary as a sentence."""
    return f"{meaning[:1].upper()}{meaning[1:]}."


def markdown() -> str:
    """The glossary as a page of Markdown: a table for each section."""
    return HEAD + "".join(_table(name, terms) for name, terms in sections().items())


def _table(name: str, terms: Mapping[str, str]) -> str:
    rows = "".join(f"| {term} | {meaning} |\n" for term, meaning in terms.items())
    return f"\n## {name}\n\n| term | meaning |\n|---|---|\n{rows}"


if __name__ == "__main__":
    print(markdown(), end="")
