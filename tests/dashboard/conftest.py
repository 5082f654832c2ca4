"""The dashboard served on a free port, and a real browser to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `__main__` back: AppTest makes it the page, which processes spawned later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = os.environ.get("RIDEALONG_PICTURES")  # where to keep screenshots, when asked to


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the dashboard ended"
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("the dashboard did not come up within a minute")


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The address of a dashboard of a home."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "ridealong", "dashboard", "--home", home, "--port", str(port)],
        cwd=Path(__file__).parents[2],
    )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def served(demo_home: Path) -> Iterator[str]:
    """The address of a dashboard of the demo's home."""
    with serving(demo_home) as address:
        yield address


@pytest.fixture(scope="session")
def served_fleet(fleet_home: Path) -> Iterator[str]:
    """The address of a dashboard of the made-up fleet."""
    with serving(fleet_home) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which plays H.264."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium on the PATH (.ci/run installs it)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; errors in its console fail the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors, errors


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Page, str], Path]:
    """Take a screenshot of the whole page, and keep it where RIDEALONG_PICTURES says."""

    def take(page: Page, name: str) -> Path:
        path = Path(PICTURES or tmp_path) / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return take
