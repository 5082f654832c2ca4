"""The examples of docs/ci.md: their YAML can be read, and their shell commands do the work."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
GATE = "required: [{prediction: stop signs, metric: recall, margin: 0.05}]\n"
HEAD = "drive,item,prediction,metric,numerator,denominator\n"

# Stand-ins on the PATH: what they were asked is kept.
TOOLS = {
    "ridealong": 'exec "$PYTHON" -m ridealong "$@"',
    "python": 'exec "$PYTHON" "$@"',
    "pip": 'echo "pip $*" >> calls',
    "gh": 'echo "gh $*" >> calls; test -s "$5"',
    "curl": 'echo "curl $*" >> calls; test -s verdict.md',
}


def examples() -> tuple[dict[str, Any], dict[str, Any]]:
    github, gitlab = FENCE.findall((REPOSITORY / "docs/ci.md").read_text("utf-8"))
    return yaml.safe_load(github), yaml.safe_load(gitlab)


def statistics(recall: float, seed: int) -> str:
    """A network that finds that share of the signs."""
    found = np.random.default_rng(seed).binomial(20, recall, (12, 5))
    rows = [
        f"drive {drive},{item},stop signs,recall,{found[drive, item]},20\n"
        for drive in range(12)
        for item in range(5)
    ]
    return HEAD + "".join(rows)


CANDIDATES = {0: statistics(0.85, 2), 1: statistics(0.5, 2), 2: HEAD + "a,1,x,recall,5,-3\n"}


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """Run a script where a candidate with a known verdict was evaluated; gives its exit code."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in TOOLS.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    (tmp_path / "gate.yaml").write_text(GATE)
    (tmp_path / "deployed.csv").write_text(statistics(0.85, 1))

    def run(script: str, candidate: str, **variables: str) -> int:
        (tmp_path / "evaluate.py").write_text(f"open('candidate.csv', 'w').write({candidate!r})\n")
        environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PYTHONPATH": str(REPOSITORY),
            "RIDEALONG_HOME": "ridealong-home",
            **variables,
        }
        done = subprocess.run(
            ["sh", "-e", "-c", script], cwd=tmp_path, env=environment, check=False, timeout=120
        )
        return done.returncode

    return run


def check_files(folder: Path, code: int) -> None:
    """What a run of the example left."""
    if code == 2:
        assert not [*folder.glob("verdict.*")]
        return
    suite = ElementTree.parse(folder / "verdict.xml").getroot()[0]
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("1", str(code))
    verdict = ("PASS", "REGRESSED")[code]
    assert (folder / "verdict.md").read_text().startswith(f"### ridealong: {verdict}\n")
    assert f"<title>{verdict}: " in (folder / "verdict.html").read_text()


def variables_of(step: dict[str, Any], output: Path) -> dict[str, str]:
    """A step's environment; GitHub computes the expressions before the shell runs."""
    outputs = output.read_text().split() if output.exists() else []
    values = {f"steps.judge.outputs.{line.partition('=')[0]}": line.partition("=")[2]
              for line in outputs}  # fmt: skip
    values |= {"github.token": "t", "github.event.pull_request.number": "7"}
    return {
        name: re.sub(r"\${{ (.+) }}", lambda match: values[match[1]], value)
        for name, value in step.get("env", {}).items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 1])
def test_github_actions(code: int, shell: Any, tmp_path: Path) -> None:
    workflow, _ = examples()
    assert set(workflow) == {"name", True, "permissions", "jobs"}  # YAML reads `on` as true
    (job,) = workflow["jobs"].values()
    output, codes = tmp_path / "output", []
    for step in job["steps"]:
        assert {"run", "uses"} & set(step)
        if "run" in step:
            variables = variables_of(step, output)
            codes.append(
                shell(step["run"], CANDIDATES[code], GITHUB_OUTPUT=str(output), **variables)
            )
    assert codes == [0, 0, 0, 0, code]
    check_files(tmp_path, code)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["pip install ridealong", "gh pr comment 7 --body-file verdict.md"]


@pytest.mark.slow
@pytest.mark.parametrize("code", [1, 2])
def test_gitlab(code: int, shell: Any, tmp_path: Path) -> None:
    _, pipeline = examples()
    (job,) = pipeline.values()
    assert set(job) == {"image", "rules", "variables", "script", "artifacts"}
    assert job["artifacts"]["reports"] == {"junit": "verdict.xml"}
    # GitLab runs the lines as one script, which ends at the first that fails.
    assert shell("\n".join(job["script"]), CANDIDATES[code], CI_PROJECT_ID="5") == code
    check_files(tmp_path, code)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == (1 if code == 2 else 2)
    if code != 2:
        assert "--form body=<verdict.md" in calls[1] and "/projects/5/" in calls[1]
