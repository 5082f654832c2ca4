import re
from pathlib import Path

import pytest

from metrics.gate.names import FLEET
from metrics.gate.spec import GateSpec
from ridealong.specs import parse_spec

PAGE = (Path(__file__).parents[3] / "docs" / "verdicts.md").read_text("utf-8")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_examples_run(code: str) -> None:
    exec(compile(code, "verdicts.md", "exec"), {})


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_gate_shown_is_one(text: str) -> None:
    assert len(parse_spec(text, GateSpec, "verdicts.md", FLEET).required) == 2
