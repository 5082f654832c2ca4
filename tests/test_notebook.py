"""docs/notebook.ipynb: every cell runs on the demo's home, in order."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest


def cells(repository: Path) -> list[str]:
    notebook = json.loads((repository / "docs/notebook.ipynb").read_text("utf-8"))
    assert notebook["nbformat"] == 4
    return ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]


def shown(text: str, names: dict[str, Any]) -> Any:
    """Run a cell; gives the value of its last expression, as a notebook shows it."""
    body = ast.parse(text).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_the_notebook_has_no_outputs_of_somebody(repository: Path) -> None:
    notebook = json.loads((repository / "docs/notebook.ipynb").read_text("utf-8"))
    assert not any(one.get("outputs") for one in notebook["cells"])


@pytest.mark.slow
def test_every_cell_runs(
    repository: Path, demo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIDEALONG_HOME", str(demo_home))
    names: dict[str, Any] = {}
    found = [shown(text, names) for text in cells(repository)]
    verdicts, by_verdict, chart, sizes, boxes, said, picture = (
        one for one in found if one is not None
    )
    assert len(verdicts) and verdicts["metric"].all()
    assert by_verdict["checks"].sum() == names["verdicts"].num_rows > 10
    assert len(chart.to_dict()["layer"]) == 3
    assert sizes and all(len(size) == 4 and size[1] == 3 for size in sizes.values())
    assert len(boxes) == sizes["main"][0] and max(count for count, _ in boxes) > 0
    assert set(said) == {"deployed", "candidate"}
    assert picture.size == (640, 384)
