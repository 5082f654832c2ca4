"""Choosing sources by name, those of installed packages among them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from ingest.discovery import find_drives
from ingest.drives import DrivePlan, ingest_drive
from ingest.sources import registry
from ingest.sources.registry import source, source_names, sources_called
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.execution.accounting import Status
from ridealong.perception.recording import DriveFiles

pytestmark = pytest.mark.slow


Install = Callable[..., None]
SOURCE = """
class Log:
    name = {name!r}
    def recognises(self, path): return False
    def discover(self, path): return []
    def open(self, files): raise NotImplementedError
"""


def is_below(folder: Path, module: ModuleType) -> bool:
    return Path(getattr(module, "__file__", None) or "/").is_relative_to(folder)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of one module that declares one source; a plain folder on the path."""

    def write(package: str, name: str, module: str, value: str | None = None) -> None:
        folder = tmp_path / package
        info = folder / f"{package}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(module)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        target = value or f"{package}:Log"
        (info / "entry_points.txt").write_text(f"[ridealong.sources]\n{name} = {target}\n")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(registry, "SOURCES", replace(registry.SOURCES))  # reads them anew

    yield write
    for module in [m for m in sys.modules.values() if is_below(tmp_path, m)]:
        del sys.modules[module.__name__]


def test_names() -> None:
    assert source_names()[:8] == [
        "comma2k19",
        "simulation",
        "ros2",
        "mcap",
        "joined",
        "parquet",
        "video",
        "table",
    ]
    assert all(source(name).name == name for name in source_names())
    assert sources_called("video") == [source("video")]
    assert sources_called(None) == [source(name) for name in source_names()]


def test_unknown_name() -> None:
    with pytest.raises(RidealongError, match="unknown source 'coma2k19'; did you mean 'comma2k19'"):
        sources_called("coma2k19")
    with pytest.raises(RidealongError, match="unknown source 'zzz'; known: comma2k19"):
        sources_called("zzz")


def test_installed_sources_come_after_ours_by_name(install: Install) -> None:
    install("zebra", "aaa", SOURCE.format(name="aaa"))
    install("aardvark", "zzz", SOURCE.format(name="zzz"))
    assert source_names()[8:] == ["aaa", "zzz"]
    assert [type(found).__module__ for found in sources_called(None)[8:]] == ["zebra", "aardvark"]


def test_a_listing_imports_no_package(install: Install) -> None:
    install("broken_log", "broken", "raise RuntimeError('not today')")
    assert source_names()[-1] == "broken"
    assert sources_called("video") == [source("video")]


@pytest.mark.parametrize(
    ("module", "value", "expected"),
    [
        ("raise RuntimeError('not today')", None, "cannot be loaded (RuntimeError: not today)"),
        ("import no_such_module", None, "cannot be loaded (ModuleNotFoundError: No module named"),
        ("", "acme:Missing", "cannot be loaded (AttributeError: "),
        ("class Log:\n    def __init__(self, x): pass", None, "cannot be made (TypeError: "),
        (
            "class Log:\n    name = 'acme'",
            None,
            "is not a source, but a Log; expected a class with",
        ),
        (SOURCE.format(name="other"), None, "calls itself 'other'"),
    ],
    ids=["raises", "imports", "missing", "arguments", "methods", "name"],
)
def test_a_broken_one_names_its_package(
    install: Install, module: str, value: str | None, expected: str
) -> None:
    install("acme", "acme", module, value)
    with pytest.raises(RidealongError) as caught:
        sources_called(None)
    assert str(caught.value).startswith(f"acme 1.2: 'acme' in ridealong.sources {expected}")
    assert str(caught.value).endswith("; upgrade or uninstall that package")


def test_an_error_while_looking_names_the_package(install: Install, tmp_path: Path) -> None:
    log = SOURCE.format(name="acme").replace("return False", "return path.no_such")
    install("acme", "acme", log)
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "a.xyz"
    path.touch()
    with pytest.raises(NotInstalledError) as caught:
        find_drives(path)
    assert str(caught.value).startswith(
        f"acme 1.2: 'acme' in ridealong.sources cannot tell whether {path} is its log "
        "(AttributeError: "
    )
    assert isinstance(caught.value.__cause__, AttributeError)


def test_a_drive_of_a_source_that_is_not_here_has_failed_for_now() -> None:
    files = DriveFiles("elsewhere", "d", str(Path(__file__)), "0" * 64, 1)
    outcome = ingest_drive(Path(), "c", DrivePlan(files, True, ()), ())
    assert outcome.status is Status.FAILED
    assert str(outcome.reason).startswith("unknown source 'elsewhere'")


def test_duplicate_names_name_both_packages(install: Install) -> None:
    install("acme", "log", SOURCE.format(name="log"))
    install("other", "log", SOURCE.format(name="log"))
    with pytest.raises(RidealongError) as caught:
        source_names()
    message = "other 1.2: 'log' in ridealong.sources is a duplicate: acme 1.2 has that name too"
    assert str(caught.value).startswith(message)


def test_our_own_names_cannot_be_taken(install: Install) -> None:
    install("acme", "video", SOURCE.format(name="video"))
    with pytest.raises(RidealongError, match="is a duplicate: ridealong itself has that name too"):
        source_names()


def test_listing_needs_neither_video_nor_simulation() -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from ingest.sources.registry import sources_called\n"
        "[each.recognises(Path('x.csv')) for each in sources_called(None)]\n"
        "assert not {'av', 'numba', 'libsumo', 'sumo', 'scipy', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
