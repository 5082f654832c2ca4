"""Runs made up cell by cell, for reports."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dashboard.reports.content import Content, Costly
from shadow.report import summary_of

HOSTILE = (
    "a|b\\|c",
    "`tick` ``two``",
    "</code><img src=x onerror=alert(1)>",
    "@everyone #12 !3",
    "two\nlines\r\n\r\n# title",
    "\x00\x1b[31m\ud800\ufffe",
    "[x](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "\"quotes\" & <tags> 'too'",
    "]]> <!-- --> <?xml?>",
)


def make_cell(prediction: str = "objects/car@main", verdict: str = "PASS", **more: Any) -> Any:
    known = {
        "prediction": prediction,
        "metric": "f1",
        "slice": "all",
        "verdict": verdict,
        "deployed": 0.8,
        "candidate": 0.75,
        "delta": -0.05,
        "low": -0.08,
        "high": -0.02,
        "bound": -0.075,
        "level": 0.95,
        "margin": 0.02,
        "clusters": 24,
        "clusters_effective": 20.0,
        "clips": 96,
        "clips_unpaired": 0,
        "required": True,
        "reason": "a reason",
        "reference": "labels",
        "p_value": 0.01,
        "p_adjusted": 0.02,
        "worse_within_margin": False,
        "better": False,
        "alert": False,
        "drives_needed": None,
        "worse_than_baseline": None,
        "because_of": None,
    }
    return known | more


def make_content(cells: Sequence[Any], costly: Sequence[Any] = (), **more: Any) -> Content:
    document = {
        "run": "019e977b04d491302ae88021",
        "name": None,
        "not_shared": None,
        "clips_of_calibration": 0,
        "imported_labels": {},
        "note": None,
        "deployed": "hydra-1.0",
        "candidate": "hydra-1.1",
        "verdict": "REGRESSED",
        "reason": "1 of 2 required checks regressed",
        "clips": 96,
        "clips_left_out": [],
        "latency": {"deployed_ms": 3.5, "candidate_ms": 4.0, "latency_ratio": 1.14},
        "baseline": None,
        "summary": summary_of(cells),
        "cells": list(cells),
    }
    run = {"created_ns": 1_772_000_000_123_456_789, "seconds": 1.5}
    return Content(run, document | more, list(cells[:1]), list(costly))


def hostile_content() -> Content:
    """Every name of this run is one that a careless report would break on."""
    cells = [make_cell(name, "REGRESSED", metric=name, slice=name, reason=name) for name in HOSTILE]
    cells += [make_cell(name, required=False, alert=True, reason=name) for name in HOSTILE]
    costly = [Costly(name, name, 0.5, cells[0]) for name in HOSTILE[:3]]
    names = {key: " ".join(HOSTILE) for key in ("reason", "deployed", "candidate", "name")}
    return make_content(cells, costly, **names)


@pytest.fixture
def cell() -> Callable[..., Any]:
    return make_cell


@pytest.fixture
def content() -> Callable[..., Content]:
    return make_content


@pytest.fixture
def hostile() -> Content:
    return hostile_content()


@pytest.fixture
def hostile_names() -> tuple[str, ...]:
    return HOSTILE
