"""Families by name, those of installed packages among them."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metrics.gate.names import FLEET
from metrics.gate.spec import GateSpec, load_gate
from metrics.tasks import registry
from metrics.tasks.registry import (
    families,
    family,
    family_names,
    known_metric,
    parse_prediction,
    sparse_tasks,
)
from ridealong.errors import NotInstalledError, RidealongError

Install = Callable[[str, str, str], None]
CONES = """
from metrics.tasks.box_scores import box_family
FAMILY = box_family({name!r}, ("cone",), "{name}/cone@main")
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of one module that declares one family; a plain folder on the path."""
    packages = []

    def write(package: str, name: str, module: str) -> None:
        folder = tmp_path / package
        info = folder / f"{package}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{package}.py").write_text(module)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[ridealong.tasks]\n{name} = {package}:FAMILY\n")
        monkeypatch.syspath_prepend(folder)
        packages.append(package)
        monkeypatch.setattr(registry, "FAMILIES", replace(registry.FAMILIES))  # reads them anew

    yield write
    for package in packages:
        sys.modules.pop(package, None)


def test_the_built_in_families_in_their_order() -> None:
    assert list(families())[:6] == ["objects", "lights", "lanes", "depth", "segmentation", "bev"]


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    with pytest.raises(RidealongError, match=r"unknown task 'lane'; did you mean 'lanes'\?"):
        family("lane")


def test_an_installed_package_adds_a_family(install: Install) -> None:
    install("conepackage", "cones", CONES.format(name="cones"))
    assert parse_prediction("cones/cone@main").task == "cones"
    assert list(families())[-1] == "cones"


@pytest.mark.parametrize(
    ("name", "module", "message"),
    [
        (
            "cones",
            "FAMILY = 3",
            "conepackage 1.2: 'cones' in ridealong.tasks is not a task, but a int",
        ),
        ("cones", "raise OSError('no')", r"'cones' in ridealong.tasks cannot be loaded .*no"),
        ("cones", CONES.format(name="barrels"), "'cones' .* calls itself 'barrels'"),
        ("lights", CONES.format(name="lights"), "'lights' in ridealong.tasks is a duplicate"),
    ],
    ids=["another object", "an error", "another name", "a name that is taken"],
)
def test_a_broken_package_is_named(install: Install, name: str, module: str, message: str) -> None:
    install("conepackage", name, module)
    with pytest.raises(RidealongError, match=message) as caught:
        family_names()
        family(name)
    assert "\n" not in str(caught.value) and "conepackage 1.2" in str(caught.value)


def test_two_packages_with_one_name_are_refused(install: Install) -> None:
    install("conepackage", "cones", CONES.format(name="cones"))
    install("morecones", "cones", CONES.format(name="cones"))
    with pytest.raises(RidealongError, match=r"'cones' .* is a duplicate: .* has that name too"):
        families()


def test_a_broken_package_stops_only_those_who_use_it(install: Install) -> None:
    install("conepackage", "cones", "raise OSError('no')")
    assert family_names()[-1] == "cones"
    assert parse_prediction("lights/red@narrow").task == "lights"
    assert "cones" not in families() and "cones" not in sparse_tasks()
    assert load_gate(names=FLEET).required
    with pytest.raises(NotInstalledError, match=r"conepackage 1.2: 'cones' in ridealong.tasks"):
        parse_prediction("cones/cone@main")
    with pytest.raises(NotInstalledError, match=r"conepackage 1.2"):
        known_metric("cones", "f1")
    with pytest.raises(NotInstalledError, match=r"conepackage 1.2"):  # it may have that metric
        GateSpec.model_validate({"required": [], "margins": {"cone_f1": 0.1}}, context=FLEET)


def test_a_name_alone_loads_nothing(install: Install) -> None:
    install("conepackage", "cones", CONES.format(name="cones"))
    assert "cones" in family_names() and known_metric("objects", "ap50") is not None
    parse_prediction("objects/car@main")
    assert "conepackage" not in sys.modules


def test_an_unknown_family_or_metric_has_no_metric() -> None:
    assert known_metric("cones", "f1") is None and known_metric("objects", "f2") is None
