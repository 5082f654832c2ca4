"""HTML: one file that loads nothing, in which no name becomes markup."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from dashboard.reports.bars import LEAST_LOSS, MOST, bar, scale_of
from dashboard.reports.content import Content, Costly
from dashboard.reports.html import page
from dashboard.reports.markup import Html, element, html
from dashboard.reports.pictures import Pictures
from ridealong.terminal.readable import printable

VOID = {"meta", "img", "wbr"}
PICTURES = [
    Pictures("the frame that costs most", {"deployed: a": b"\xff\xd8", "candidate: b": b""})
]


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return "".join(self.texts)


def check_safe(text: str) -> Reader:
    """Nothing is loaded from anywhere, and nothing can run."""
    read = Reader(text)
    known = {"html", "head", "meta", "title", "style", "body", "header", "section", "footer"}
    known |= {"h1", "h2", "h3", "p", "span", "small", "div", "table", "thead", "tbody", "tr"}
    known |= {"th", "td", "article", "figure", "figcaption", "img", "wbr"}
    known |= {"svg", "line", "circle", "polygon", "text"}
    for tag, attributes in read.elements:
        assert tag in known
        assert not {name for name in attributes if name.startswith("on")} | {"style"} & {
            *attributes
        }
        assert not {"href", "action", "srcset", "xmlns"} & {*attributes}
        if "src" in attributes:
            assert tag == "img" and str(attributes["src"]).startswith("data:image/jpeg;base64,")
    style = "".join(re.findall("<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in style and "@import" not in style
    policy = next(a for t, a in read.elements if a.get("http-equiv"))
    assert str(policy["content"]).startswith(
        "default-src 'none'; img-src data:; style-src 'sha256-"
    )
    return read


def test_what_a_page_says(cell: Any, content: Any) -> None:
    cells = [
        cell("objects/car@main", slice="light=day"),
        cell("objects/truck@main", "REGRESSED", slice="light=night", because_of="light=night"),
        cell("objects/bus@main", "REGRESSED", required=False, alert=True, reason="worse by 0.1"),
    ]
    costly = [Costly("clip-1", "drive-7", 0.25, cells[1])]
    read = check_safe(page(content(cells, costly), PICTURES).decode())
    for text in (
        *("REGRESSED", "hydra-1.1 against hydra-1.0", "1 of 2 required checks regressed"),
        *("2 required checks", "1 PASS, 1 REGRESSED", "f1 at light=night", "-0.080 to -0.020"),
        *("25.0% of the loss: clip-1", "drive drive-7", "The frame that costs most."),
        *("1 watched check has an alert", "objects/bus@main", "worse by 0.1"),
        *("deployed: a", "candidate: b"),
        "1 of 2 regressed checks is at light=night or only because of it.",
    ):
        assert text in read.text, text
    assert [tag for tag, _ in read.elements].count("img") == 2
    assert [tag for tag, _ in read.elements].count("svg") == 2 + 3  # with each table's scale


def test_a_run_of_result_files_has_a_summary_and_notes(cell: Any, content: Any) -> None:
    side = {"AP": 0.5, "AP50": None, "classes": {"car": {"AP": 0.5}}}
    results = {
        "format": "coco",
        "drives": 12,
        "drive_from": "video_id",
        "slices": ["weather"],
        "threshold": {"text": "0.5"},
        "margins": {"AP": 0.03},
        "metrics": {"deployed": side, "candidate": side | {"AP": 0.25}},
        "evaluation": None,
        "definitions": [],
        "notes": [{"whose": "candidate", "count": 1200, "text": "boxes <are> odd", "examples": ()}],
    }
    shown = content([cell("objects/car")], **results)
    read = check_safe(page(shown, []).decode())
    for text in ("96 frames", "candidate: 1,200 boxes <are> odd", "AP0.50000.2500", "video_id"):
        assert text in read.text, text


def test_no_name_becomes_markup(hostile: Content, hostile_names: Any) -> None:
    shown = [Pictures(name, {name: b"x"}) for name in hostile_names[:3]]
    text = page(hostile, shown).decode()
    read = check_safe(text)
    for name in hostile_names:
        assert printable(name) in read.text
    assert page(hostile, shown).decode() == text


def test_a_cell_without_data_has_no_bar(cell: Any, content: Any) -> None:
    unknown = dict.fromkeys(("deployed", "candidate", "delta", "low", "high", "bound", "p_value"))
    lacking = cell("x", "INCONCLUSIVE", **unknown, reason="missing: no f1", clusters=0)
    read = check_safe(page(content([lacking], verdict="INCONCLUSIVE"), []).decode())
    assert "missing: no f1" in read.text
    assert [tag for tag, _ in read.elements].count("svg") == 1


def test_bars_have_one_scale_in_margins(cell: Any) -> None:
    near = cell(delta=-0.02, low=-0.03, high=-0.01, margin=0.02)
    scale = scale_of([near])
    assert scale.loss == LEAST_LOSS
    assert f'cx="{scale.x(-1):.1f}"' in bar(near, scale)  # delta lies on the margin
    assert "arrow" not in bar(near, scale)
    far = cell(delta=-0.5, low=-1.0, high=0.0, margin=0.02, verdict="REGRESSED")
    wide = scale_of([near, far])
    assert wide.loss == MOST
    assert bar(far, wide).count("arrow") == 1 and "mark REGRESSED" in bar(far, wide)
    assert bar(cell(margin=None), wide) == ""


@pytest.mark.parametrize("verdict", ["PASS", "INCONCLUSIVE", "REGRESSED"])
def test_marks_differ_without_colour(verdict: str, cell: Any) -> None:
    drawn = bar(cell(verdict=verdict), scale_of([cell()]))
    assert ("polygon" in drawn) is (verdict == "REGRESSED")
    assert f"mark {verdict}" in drawn


def test_elements_escape_what_is_not_markup() -> None:
    assert (
        element("p", "<b>", Html("<i></i>"), title='"') == '<p title="&quot;">&lt;b&gt;<i></i></p>'
    )
    assert html("a\nb") == "a b"


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "ink"), [("light", "27, 36, 48"), ("dark", "232, 237, 243")])
def test_a_browser_shows_it_and_loads_nothing(
    scheme: Any, ink: str, hostile: Content, page: Page, keep: Any, tmp_path: Path
) -> None:
    from dashboard.reports import html as pages

    path = tmp_path / "report.html"
    path.write_bytes(pages.page(hostile, [Pictures("x", {}) for _ in hostile.costly]))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 640, "height": 900})
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    style = "element => getComputedStyle(element).color"
    assert page.locator("h1").evaluate(style) == f"rgb({ink})"
    assert page.evaluate("document.body.scrollWidth <= window.innerWidth")
    keep(page, f"report-{scheme}")
