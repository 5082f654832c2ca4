"""Names without markup, and numbers no finer than is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dashboard.text import interval, number, plain, probability

MARKED = [
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "https://evil.example",
    "a_b_c **bold** `code` $x$ :red[x] :smile: ~~x~~",
    "&lt;b&gt; &#60;",
    "# title",
    "1. one\n2. two",
    "- item\n\n    code",
    "| a | b |\n|---|---|",
    "\\<b>",
]


def shown(text: str) -> str:
    """What a page shows of a text that nothing may mark up."""
    (opening, inline, closing) = MarkdownIt("gfm-like", {"linkify": False}).parse(plain(text))
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
    assert inline.children is not None
    assert {child.type for child in inline.children} <= {"text", "text_special"}
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize("text", MARKED)
def test_plain_text_shows_as_it_stands(text: str) -> None:
    assert shown(text) == " ".join(text.split())


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1))
def test_any_text_shows_as_it_stands(text: str) -> None:
    if text.split():
        assert shown(text) == " ".join(text.split())


def test_numbers() -> None:
    assert interval(-0.2286, -0.2206, 3) == "-0.229 to -0.221"
    assert interval(None, None, 3) == interval(0.1, None) == "–"
    assert number(-0.2246, sign=True) == "-0.225" and number(0.2246, sign=True) == "+0.225"
    assert number(None) == number(None, 1, sign=True) == "–"
    assert number(123, 0) == "123"
    said = [probability(p) for p in (0.0437, 1.0, 1e-4, 7.6e-18, 0.0, None)]
    assert said == ["0.044", "1", "0.0001", "< 0.0001", "< 0.0001", "–"]
