"""The examples of docs/clips.md run, and its table names the topics that a clip has."""

import re

import pytest
from mcap.reader import make_reader


@pytest.fixture
def page(repository):
    return (repository / "docs" / "clips.md").read_text("utf-8")


def test_python_examples_run(page, clip_file, monkeypatch, capsys):
    monkeypatch.chdir(clip_file.parent)
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "docs/clips.md", "exec"), {})
    assert "c0ffee ('hard_brake', 'swerve') ['main', 'rear']" in capsys.readouterr().out


def test_the_table_of_topics_is_complete(page, clip_file):
    documented = dict(re.findall(r"^\| `(/\S+)` \| `(\S+)`", page, re.MULTILINE))
    with clip_file.open("rb") as stream:
        summary = make_reader(stream).get_summary()
    found = {
        re.sub(r"(?<=/camera/)[^/]+", "CAMERA", re.sub(r"/bev/.*", "/bev/LAYER", channel.topic)):
        summary.schemas[channel.schema_id].name
        for channel in summary.channels.values()
    }  # fmt: skip
    assert found == documented
