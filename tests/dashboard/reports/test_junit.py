"""JUnit: one case for each required check, in a document that Jenkins and Ant accept."""

import re
from typing import Any
from xml.etree import ElementTree

from dashboard.reports.content import Content
from dashboard.reports.junit import junit

# What Ant's schema requires of each element, and the order of what is in it.
ATTRIBUTES = {
    "testsuites": set(),
    "testsuite": {
        *("name", "package", "id", "tests", "failures", "errors", "time"),
        *("timestamp", "hostname"),
    },
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "system-out": set(),
    "system-err": set(),
}
ORDER = {
    "testsuites": "(testsuite )*",
    "testsuite": "properties (testcase )*system-out system-err ",
    "properties": "(property )*",
    "testcase": "(failure |error )?",
}


def check(element: ElementTree.Element) -> None:
    assert set(element.attrib) == ATTRIBUTES[element.tag]
    inside = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(ORDER.get(element.tag, ""), inside), (element.tag, inside)
    for child in element:
        check(child)


def suite_of(content: Content) -> ElementTree.Element:
    root = ElementTree.fromstring(junit(content))
    check(root)
    (suite,) = root
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    assert re.fullmatch(r"\d+\.\d{3}", suite.attrib["time"])
    return suite


def test_one_case_for_each_required_cell(cell: Any, content: Any) -> None:
    cells = [
        cell("objects/car@main"),
        cell("objects/bicycle@main", "INCONCLUSIVE", reason="lower bound too low"),
        cell("objects/truck@main", "REGRESSED", slice="light=night", reason="worse by 0.05"),
        cell("objects/bus@main", "REGRESSED", required=False, alert=True, reason="worse by 0.1"),
        cell("objects/van@main", required=False),
    ]
    suite = suite_of(content(cells))
    counts = {name: suite.attrib[name] for name in ("tests", "failures", "errors")}
    assert counts == {"tests": "3", "failures": "1", "errors": "1"}
    truck, bicycle, car = suite.findall("testcase")
    assert truck.attrib["classname"] == "objects/truck@main"
    assert truck.attrib["name"] == "f1 at light=night"
    assert [(part.tag, dict(part.attrib)) for part in (*truck, *bicycle, *car)] == [
        ("failure", {"type": "REGRESSED", "message": "worse by 0.05"}),
        ("error", {"type": "INCONCLUSIVE", "message": "lower bound too low"}),
    ]
    details = "deployed: 0.800; candidate: 0.750; delta: -0.050; interval: -0.080 to -0.020"
    assert truck[0].text == f"{details}; drives: 24; margin: 0.02"
    properties = {one.attrib["name"]: one.attrib["value"] for one in suite.iter("property")}
    assert properties["verdict"] == "REGRESSED"
    assert properties["alert: objects/bus@main f1 at all"] == "worse by 0.1"
    assert [name for name in properties if name.startswith("alert")] == [
        "alert: objects/bus@main f1 at all"
    ]


def test_a_cell_without_data_is_an_error(cell: Any, content: Any) -> None:
    unknown = dict.fromkeys(("deployed", "candidate", "delta", "low", "high", "bound"))
    suite = suite_of(content([cell("x", "INCONCLUSIVE", **unknown, reason="missing")]))
    assert [one.attrib["message"] for one in suite.iter("error")] == ["missing"]


def test_names_that_xml_cannot_hold(hostile: Content, hostile_names: Any) -> None:
    suite = suite_of(hostile)
    cases = suite.findall("testcase")
    assert len(cases) == len(hostile_names)
    found = {case.attrib["classname"] for case in cases}
    assert "\"quotes\" & <tags> 'too'" in found and "two lines # title" in found
    assert r"\x00\x1b[31m\ud800\ufffe" in found
