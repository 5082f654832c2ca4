"""Runs in a real browser: started, looked at, named, archived; a network deployed; who may."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ridealong.lake import Lake
from shadow.runs import list_runs
from tests.dashboard.conftest import JOB_MS, settled

pytestmark = pytest.mark.browser


@pytest.fixture
def home_of_a_fleet(fleet_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fleet_home, tmp_path / "home"))


@pytest.fixture
def at(home_of_a_fleet: Path, serve: Any) -> Iterator[str]:
    with serve(home_of_a_fleet) as address:
        yield address


def test_a_run_is_named_and_archived_by_clicking(
    page: Page, at: str, home_of_a_fleet: Path, ask: Any
) -> None:
    page.goto(f"{at}/runs")
    table = page.get_by_role("table")
    expect(table).to_contain_text("hydra-1.0b")
    row = table.get_by_role("row").nth(2)
    run_id = row.get_by_role("cell").first.inner_text()
    row.get_by_role("link", name="Edit").click()
    # Before, the form is that of the first run, and a part of it until the script has ended.
    expect(page.locator("strong", has_text=run_id)).to_be_visible()
    settled(page)
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_be_visible()
    name.fill("<b>before</b> the fix")
    page.get_by_role("textbox", name="Note").fill("a *note*")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The name is saved.")).to_be_visible()
    expect(table).to_contain_text("<b>before</b> the fix")
    expect(table).to_contain_text("a *note*")
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(page.get_by_text("is archived.")).to_be_visible()
    expect(table).not_to_contain_text("hydra-1.0b")
    page.get_by_role("link", name="All runs").click()
    expect(table).to_contain_text("hydra-1.0b")
    rows = ask("audit", "--home", home_of_a_fleet)
    assert [row["action"] for row in rows] == [
        "shadow runs archive", "shadow runs note", "shadow runs name"
    ]  # fmt: skip
    assert rows[2]["before"] == {"name": None}
    assert rows[2]["after"] == {"name": "<b>before</b> the fix"}
    page.get_by_role("link", name="What was changed").click()
    expect(table).to_contain_text("shadow runs archive")


@pytest.mark.slow
def test_a_network_is_deployed_with_a_waiver(
    page: Page, demo_home: Path, tmp_path: Path, serve: Any, ask: Any
) -> None:
    home = Path(shutil.copytree(demo_home, tmp_path / "home"))
    with serve(home) as address:
        _deploy(page, address)
    rows = ask("audit", "--home", home)
    assert [row["action"] for row in rows] == ["networks promote"], rows
    assert rows[0]["after"]["waiver_by"] == "Ann"


def _deploy(page: Page, address: str) -> None:
    page.goto(f"{address}/runs?view=networks")
    reason = page.get_by_role("textbox", name="Reason")
    reason.fill("the <b>others</b> are worse")
    name = page.get_by_role("textbox", name="Your name")
    name.fill("Ann")
    name.press("Tab")
    deploy = page.get_by_role("button", name="Deploy …")
    expect(deploy).to_be_enabled()
    deploy.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Waiver of Ann: the <b>others</b> are worse")
    dialog.get_by_role("button", name=re.compile("^Deploy ")).click()
    expect(page.get_by_text("is deployed.").first).to_be_visible()
    expect(page.get_by_role("table").last).to_contain_text("Ann")
    expect(reason).to_have_value("")  # the next waiver needs its own


def test_back_returns_to_the_view_before(page: Page, served_fleet: str) -> None:
    page.goto(f"{served_fleet}/runs")
    page.get_by_role("link", name="What was changed").click()
    unchanged = page.get_by_text("Nothing was changed on the dashboard yet")
    expect(unchanged).to_be_visible()
    page.get_by_role("link", name="Fleet", exact=True).click()
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    page.go_back()
    expect(unchanged).to_be_visible()
    page.go_back()
    expect(page.get_by_role("link", name="Edit").first).to_be_visible()


def test_nobody_changes_a_read_only_dashboard(
    page: Page, home_of_a_fleet: Path, serve: Any
) -> None:
    with serve(home_of_a_fleet, "--read-only") as address:
        page.goto(f"{address}/runs")
        said = page.get_by_text("This dashboard is read-only")
        expect(said.first).to_be_visible()
        expect(page.get_by_role("button", name="Save")).to_be_disabled()
        archive = page.get_by_role("button", name="Archive", exact=True)
        expect(archive).to_be_disabled()


@pytest.mark.slow
def test_a_run_is_started_and_its_verdict_is_seen(
    page: Page, demo_home: Path, tmp_path: Path, serve: Any
) -> None:
    home = Path(shutil.copytree(demo_home, tmp_path / "home"))
    before = len(list_runs(Lake.open(home).snapshot()))
    with serve(home) as address:
        page.goto(f"{address}/runs?view=start")
        expect(page.get_by_text(re.compile("It judges .* clips?"))).to_be_visible()
        where = page.get_by_role("textbox", name="Which clips")
        where.fill("light = 'no")
        where.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_role("button", name="Start the run")).to_be_disabled()
        settled(page)
        page.get_by_role("combobox", name="Gate").click()
        page.get_by_role("option", name="my own").click()
        gate = page.get_by_role("textbox", name="The gate's YAML")
        gate.fill("required:\n  - {prediction: bev/nothing, metric: iou}")
        gate.press("Control+Enter")
        expect(page.get_by_role("alert")).to_contain_text("line 2: required.0")
        gate.fill("required:\n  - {prediction: objects/car@main, metric: f1}\nmargins: {f1: 0.1}")
        gate.press("Control+Enter")
        where.fill("light = 'day'")
        where.press("Enter")
        start = page.get_by_role("button", name="Start the run")
        expect(start).to_be_enabled()
        start.click()
        line = page.locator(".st-key-jobs-line")
        expect(line).to_contain_text("Run of hydra-1.1 against hydra-1.0")
        opened = line.get_by_role("link", name="Open the run")
        expect(opened).to_be_visible(timeout=JOB_MS)
        expect(line).to_contain_text(re.compile("PASS|REGRESSED|INCONCLUSIVE"))
        page.get_by_role("link", name="Runs", exact=True).click()
        expect(page.get_by_role("row")).to_have_count(before + 2)
    assert len(list_runs(Lake.open(home).snapshot())) == before + 1
