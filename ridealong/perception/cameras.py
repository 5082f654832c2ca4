"""Names of cameras: what the rig of a drive calls them.

No list of cameras holds for every vehicle. A name is valid if it can be part of a prediction's name
(``objects/car@main``), of a topic and of a file name. Only the drive, the network or the run knows
whether a camera exists.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ridealong.errors import RidealongError

ALL = "all"  # means all cameras, so no camera may have this name
PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
LONGEST_NAME = 64
EXPECTED = (
    f"at most {LONGEST_NAME} letters, digits, '_', '-' or '.', and not {ALL!r}; "
    "the first is a letter, a digit or '_'"
)


def check_camera_name(name: str) -> str:
    """The name, if it is valid.

    Raises:
        RidealongError: It cannot be the name of a camera.
    """
    if name == ALL or len(name) > LONGEST_NAME or not re.fullmatch(PATTERN, name):
        raise RidealongError(f"{name!r} cannot be the name of a camera", expected=EXPECTED)
    return name


def _checked(name: str) -> str:
    try:
        return check_camera_name(name)
    except RidealongError as error:
        raise ValueError(str(error)) from error  # pydantic collects only ValueError


CameraName = Annotated[
    str,
    AfterValidator(_checked),
    Field(json_schema_extra={"pattern": PATTERN, "maxLength": LONGEST_NAME, "not": {"const": ALL}}),
]
