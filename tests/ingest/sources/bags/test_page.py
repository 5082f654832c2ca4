"""The section "From a bag to a clip" of docs/bring-your-own.md, run as it is written."""

import json
import re
import shlex
from pathlib import Path

from tests.data.braking_bag import braking_messages, write_bag

PAGE = Path(__file__).parents[4] / "docs" / "bring-your-own.md"


def test_from_a_bag_to_a_clip(program, tmp_path):
    text = PAGE.read_text("utf-8").partition("## From a bag to a clip")[2]
    (mapping,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    bag, names = tmp_path / "bag", tmp_path / "bag.yaml"
    names.write_text(mapping)
    write_bag(bag, braking_messages(seconds=24, camera_hz=2))
    stand_ins = {"bag/": bag, "bag.yaml": names, "clip.png": tmp_path / "clip.png"}
    homes = []
    for command in re.findall(r"^ridealong (.*)$", text, re.MULTILINE):
        if command.startswith("ingest"):
            homes.append(tmp_path / f"home-{len(homes)}")
        words = [stand_ins.get(word, word) for word in shlex.split(command)]
        for home in homes:
            if "CLIP" in words:
                done = program("clips", "list", "--json", "--home", home)
                (clip,) = json.loads(done.stdout)
                stand_ins["CLIP"] = clip["clip_id"]
            if command.startswith("ingest") and home != homes[-1]:
                continue
            done = program(*(stand_ins.get(w, w) for w in words), "--home", home)
            assert done.returncode == 0, done.stderr
            assert "hard_brake" in done.stdout or not command.endswith("list")
    assert clip["cameras"] == ["main", "rear"]
    assert (tmp_path / "clip.png").stat().st_size > 1000
