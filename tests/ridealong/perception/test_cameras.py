"""Names of cameras."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ridealong.errors import RidealongError
from ridealong.perception.cameras import LONGEST_NAME, CameraName, check_camera_name


@pytest.mark.parametrize("name", ["main", "cam_front_left", "0", "_x", "F-1.wide", "a" * 64])
def test_valid_names(name: str) -> None:
    assert check_camera_name(name) == name
    assert TypeAdapter(CameraName).validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "all", "front left", "a/b", "a@b", "../x", ".hidden", "-x", "é", "main\n", "a" * 65],
    ids=repr,
)
def test_invalid_names(name: str) -> None:
    with pytest.raises(RidealongError) as caught:
        check_camera_name(name)
    assert f"at most {LONGEST_NAME} letters, digits" in str(caught.value)
    with pytest.raises(ValidationError, match="cannot be the name of a camera"):
        TypeAdapter(CameraName).validate_python(name)
