"""The page Glossary: what each term means, with a search; ``?term=margin`` names one."""

import re
from collections.abc import Iterable
from urllib.parse import quote

import streamlit as st

from dashboard.glossary import queries
from dashboard.reports.markup import Html, element, html, joined
from dashboard.text import plain
from dashboard.words import sentence
from ridealong.terminal.readable import counted

STYLE = """
.terms { margin: 0; max-width: 72rem; }
.terms div { display: grid; grid-template-columns: 15rem 1fr; gap: 0 1.5rem; padding: .3rem .5rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
.terms dt { font-weight: 600; overflow-wrap: anywhere; }
.terms dt a { color: inherit; text-decoration: none; }
.terms dt a:hover, .terms dt a:focus-visible { text-decoration: underline; }
.terms dd { margin: 0; }
.terms.asked { border-left: 4px solid var(--primary); margin-bottom: 1rem; }
"""


def page() -> None:
    """Lay out the page: a search, the term in the address, and all that the search finds."""
    st.title("Glossary", anchor=False)
    st.html(f"<style>{STYLE}</style>")
    search = st.text_input(
        "Search",
        st.query_params.get("find", ""),
        placeholder="Search terms and their meanings",
        label_visibility="collapsed",
        key="find",
        on_change=_searched,
    )
    if asked := st.query_params.get("term"):
        _asked(asked)
    found = queries.found_terms(search)
    st.caption(counted(sum(map(len, found.values())), "term"))
    for name, terms in found.items():
        st.subheader(name, anchor=False)
        st.html(_list(terms.items()))


def _searched() -> None:
    find = st.session_state["find"].strip()
    st.query_params.from_dict({"find": find} if find else {})


def _asked(name: str) -> None:
    term = queries.term_named(name)
    if term is None:
        st.info(f"The glossary has no term {plain(name)}. All of its terms are below.")
    else:
        st.html(_list([term], "terms asked"))


def _list(terms: Iterable[tuple[str, str]], style: str = "terms") -> Html:
    return element("dl", *(_row(*term) for term in terms), class_=style)


def _row(term: str, meaning: str) -> Html:
    link = element("a", term, href=f"/glossary?term={quote(term)}", target="_self")
    return element("div", element("dt", link), element("dd", _with_code(sentence(meaning))))


def _with_code(text: str) -> Html:
    """Text as markup, with what stands in backticks as code."""
    parts = re.split(r"`([^`]*)`", text)
    return joined(*(element("code", p) if at % 2 else html(p) for at, p in enumerate(parts)))


page()
