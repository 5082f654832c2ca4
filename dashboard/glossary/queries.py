"""Queries of the page Glossary: the terms that a search finds."""

from collections.abc import Mapping

from dashboard.words import sections

Sections = Mapping[str, Mapping[str, str]]


def found_terms(search: str) -> Sections:
    """The terms in which all words of the search occur, by section; empty sections are left out.

    Terms whose own name has the words come first.
    """
    wanted = search.casefold().split()
    found = {name: _matching(terms, wanted) for name, terms in sections().items()}
    return {name: terms for name, terms in found.items() if terms}


def _matching(terms: Mapping[str, str], wanted: list[str]) -> dict[str, str]:
    both = {term: f"{term} {line}".casefold() for term, line in terms.items()}
    kept = [term for term in terms if all(word in both[term] for word in wanted)]
    kept.sort(key=lambda term: not all(word in term.casefold() for word in wanted))
    return {term: terms[term] for term in kept}


def term_named(name: str) -> tuple[str, str] | None:
    """A term and its meaning, by its name in any case; None if there is no such term."""
    for terms in sections().values():
        for term, line in terms.items():
            if term.casefold() == name.casefold().strip():
                return term, line
    return None
