"""A run as JUnit XML: one test case for each required cell.

REGRESSED is a ``<failure>``, INCONCLUSIVE an ``<error>``. Alerts of watched cells are properties of
the suite. The document is valid against the schema of Ant's JUnit task
(https://github.com/windyroad/JUnit-Schema) and that of Jenkins
(``junit-10.xsd`` of https://github.com/jenkinsci/xunit-plugin), which Surefire's is close to.
"""

from collections.abc import Iterable
from xml.etree import ElementTree

from dashboard.reports.content import Content
from metrics.gate.cells import Cell, Verdict
from ridealong.terminal.readable import exact_instant, printable
from ridealong.units import NS_PER_S
from shadow.report import cell_name, cell_texts

SUITE = "ridealong"
ELEMENTS = {Verdict.REGRESSED: "failure", Verdict.INCONCLUSIVE: "error"}
DETAILS = ("deployed", "candidate", "delta", "interval", "drives")


def junit(content: Content) -> bytes:
    """The run as one test suite, in UTF-8; characters that XML cannot hold are escaped."""
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", _head(content))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(content):
        known = {"name": printable(name), "value": printable(value)}
        ElementTree.SubElement(properties, "property", known)
    for cell in content.required:
        suite.append(_case(cell))
    ElementTree.SubElement(suite, "system-out").text = printable(_sentence(content))
    ElementTree.SubElement(suite, "system-err").text = ""
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return written + b"\n"


def _head(content: Content) -> dict[str, str]:
    verdicts = [cell["verdict"] for cell in content.required]
    # The schemas want a time without a zone; it is UTC.
    whole = exact_instant(content.run["created_ns"] // NS_PER_S * NS_PER_S).rstrip("Z")
    pair = f"{content.document['candidate']} against {content.document['deployed']}"
    return {
        "name": printable(f"{SUITE}: {pair}"),
        "package": SUITE,
        "id": "0",
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.REGRESSED)),
        "errors": str(verdicts.count(Verdict.INCONCLUSIVE)),
        "time": f"{content.run['seconds'] or 0:.3f}",
        "timestamp": whole,
        "hostname": "localhost",  # the schema's word for an unknown host
    }


def _properties(content: Content) -> Iterable[tuple[str, str]]:
    document = content.document
    for name in ("run", "deployed", "candidate", "verdict"):
        yield name, str(document[name])
    for number, remark in enumerate([*content.remarks, *content.notes], 1):
        yield f"remark {number}", remark
    for cell in content.alerts:
        yield f"alert: {cell_name(cell)}", cell["reason"]


def _case(cell: Cell) -> ElementTree.Element:
    name = printable(f"{cell['metric']} at {cell['slice']}")
    case = ElementTree.Element(
        "testcase", {"classname": printable(cell["prediction"]), "name": name, "time": "0"}
    )
    if element := ELEMENTS.get(cell["verdict"]):
        known = {"type": str(cell["verdict"]), "message": printable(cell["reason"])}
        ElementTree.SubElement(case, element, known).text = _details(cell)
    return case


def _details(cell: Cell) -> str:
    texts = cell_texts(cell)[3:8]
    lines = [f"{name}: {text}" for name, text in zip(DETAILS, texts, strict=True)]
    return printable("; ".join([*lines, f"margin: {cell['margin']}"]))


def _sentence(content: Content) -> str:
    return f"{content.verdict}: {content.document['reason']}"
