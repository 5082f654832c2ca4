"""The page Clip says what it shows, and what the address names in vain."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PAGE = Path(__file__).parents[3] / "dashboard/clip/page.py"


def opened(home: Path, **asked: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    app.secrets["ridealong"] = {"home": str(home), "media_key": "00ff"}
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def said(app: AppTest) -> str:
    return " ".join(one.value for one in app.warning).replace("\\", "")


def test_what_the_clip_is(fleet_home: Path) -> None:
    app = opened(fleet_home, clip="drive-003-clip-1")
    assert not app.exception and not app.warning
    about = app.caption[0].value.replace("\\", "")
    assert "night" in about and "drive-003-clip-1" in about and "None" not in about


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"clip": "<b>gone</b>"}, "There is no clip <b>gone</b>"),
        ({"clip": "drive-003-clip-1", "run": "gone"}, "no run gone that judged this clip"),
        (
            {"clip": "drive-003-clip-1", "prediction": "objects/ufo@main"},
            "no prediction objects/ufo@main; everything is shown",
        ),
        (
            {
                "clip": "drive-003-clip-1",
                "prediction": "objects/pedestrian@main",
                "metric": "f1",
                "slice": "light=dusk",
            },
            "no slice light=dusk; only objects/pedestrian@main is shown",
        ),
    ],
    ids=["clip", "run", "prediction", "slice"],
)
def test_what_is_not_there_is_said(fleet_home: Path, asked: dict[str, str], expected: str) -> None:
    app = opened(fleet_home, **asked)
    assert not app.exception
    assert expected in said(app)
