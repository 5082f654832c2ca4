"""The dashboard served on a free port, and a real browser to look at it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give `__main__` back: AppTest makes it the page, which processes spawned later would run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session", autouse=True)
def no_components() -> Iterator[None]:
    """Spare every AppTest a search of all installed packages for components, which we have none of.

    It takes longer than most of our pages.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", list)
        yield


CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MARK = "<img src=x onerror=hacked=1>"
PICTURES = os.environ.get("RIDEALONG_PICTURES")  # where to keep screenshots, when asked to

# Waits end as soon as what they wait for is there. These are for a slow machine under load.
WAIT_MS = 90_000
JOB_MS = 240_000  # a command in a process of its own
expect.set_options(timeout=WAIT_MS)


def settled(page: Page) -> None:
    """Wait until the page's script has ended, and its parts and fonts are loaded.

    Nothing moves then. Wait for something of this run first: before, the last run has ended.
    """
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.evaluate("() => document.fonts.ready.then(() => null)")


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    """The address of a dashboard of a home: it answers once that is printed, and leaves nothing."""
    scratch = Path(mkdtemp(prefix="served-", dir=home.parent))  # other servers have their own
    words = ["dashboard", "--home", home, "--port", "0", "--json", *options]
    server = subprocess.Popen(
        [sys.executable, "-m", "ridealong", *words],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        address = str(json.loads(server.stdout.readline())["url"])
        urllib.request.urlopen(address, timeout=60).close()
        yield address
    finally:
        server.terminate()
        try:
            ended = server.wait(120)
        finally:
            server.kill()
            server.stdout.close()
    assert ended == 128 + signal.SIGTERM
    assert not [*scratch.glob("ridealong-media-*"), *scratch.glob("ridealong-job-*")]


@pytest.fixture
def serve(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[str]]:
    """Serve a dashboard of a home of the test's own, with further options.

    Pages close before their server ends. A page that is still loading scripts would fail to, and
    `page` counts that as an error.
    """
    browses = "browser" in request.fixturenames

    @contextmanager
    def serve(home: Path, *options: str) -> Iterator[str]:
        with serving(home, *options) as address:
            try:
                yield address
            finally:
                if browses:
                    _close_pages(request.getfixturevalue("browser"))

    return serve


def _close_pages(browser: Browser) -> None:
    for context in browser.contexts:
        for page in context.pages:
            page.close()


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
def served_marked(fleet_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard of a fleet whose names are HTML that would run a script."""
    synthetic = sys.modules["synthetic"]  # which made fleet_home
    pair = synthetic.Pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "TRIGGERS", tuple(MARK + name for name in synthetic.TRIGGERS))
        patch.setattr(synthetic, "REASONS", tuple(MARK + name for name in synthetic.REASONS))
        patch.setattr(synthetic, "Pair", lambda one, two: pair(MARK + one, MARK + two))
        home = synthetic.make_home(tmp_path_factory.mktemp("marked") / "home")
    with serving(home) as address:
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
    """A fresh page; errors in its scripts and what its policy forbids fail the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(WAIT_MS)
    errors: list[str] = []

    def caught(error: Error) -> None:
        # Chromium says this of layouts that take two frames; they are drawn all the same.
        if "ResizeObserver loop" not in str(error):
            errors.append(str(error))

    page.on("pageerror", caught)

    def read(message: ConsoleMessage) -> None:
        # Streamlit asks for its endpoints below a page's own address first, in vain.
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("console", read)
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
