"""The glossary: one source for its page, for help on all pages, and for docs/glossary.md."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from dashboard import words
from dashboard.glossary.queries import found_terms, term_named

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "dashboard" / "glossary" / "page.py"


def test_the_docs_have_the_same_lines_as_the_pages() -> None:
    written = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8")
    assert written == words.markdown(), "write it again: python -m dashboard.words"


def test_terms_are_in_alphabetical_order_and_each_has_one_line() -> None:
    named = [term for terms in words.sections().values() for term in terms]
    assert len(named) == len(set(named))
    for terms in words.sections().values():
        assert list(terms) == sorted(terms, key=str.casefold)
        for term, line in terms.items():
            assert isinstance(line, str) and line == " ".join(line.split()), term
            assert not line.endswith(".") and "|" not in term + line, term


def test_help_is_a_sentence() -> None:
    assert words.help_of("margin") == "The largest loss that we accept, in the unit of the metric."
    with pytest.raises(KeyError):
        words.help_of("no such term")


def test_a_search_finds_names_before_meanings() -> None:
    assert list(found_terms("")) == list(words.sections())
    verdicts = list(found_terms("margin")["Verdicts"])
    assert verdicts[0] == "delta in margins" and "PASS" in verdicts
    assert "gate" not in verdicts and found_terms("no such words") == {}
    assert term_named("MARGIN ") == ("margin", words.sections()["Verdicts"]["margin"])
    assert term_named("<b>") is None


def page_at(**asked: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=30)
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def test_the_page_shows_all_terms_and_the_one_in_the_address() -> None:
    app = page_at(term="margin")
    assert not app.exception and not app.info
    every = sum(map(len, words.sections().values()))
    assert app.caption[0].value == f"{every} terms"
    app.text_input[0].input("no such words").run()
    assert app.caption[0].value == "0 terms"
    assert app.query_params["find"] == "no such words"


def test_an_unknown_term_is_said() -> None:
    app = page_at(term="<b>x</b>")
    assert not app.exception
    assert "no term \\<b\\>x" in app.info[0].value


@pytest.mark.browser
@pytest.mark.slow
def test_a_term_is_a_link_to_itself(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/glossary?find=non-inferiority")
    term = page.get_by_role("link", name="non-inferiority", exact=True)
    expect(term).to_be_visible()
    term.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary?term=non-inferiority")
    expect(page.locator(".terms.asked dd")).to_have_text(
        "The claim of a PASS: the loss is smaller than the margin."
    )
