"""What Label Studio's SDK says of an export, as JSON: run by the Python of .venv-oracles.

usage: read_label_studio.py INTERFACE TASKS
"""

import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface


def main(interface, tasks):
    known = LabelInterface(Path(interface).read_text())
    found = json.loads(Path(tasks).read_text())
    wrong = []
    for task in found:
        wrong += [a["id"] for a in task["annotations"] if not known.validate_annotation(a)]
        for prediction in task["predictions"]:
            wrong += known.validate_prediction(prediction, return_errors=True)
    print(json.dumps({"tasks": len(found), "wrong": wrong}))


if __name__ == "__main__":
    main(*sys.argv[1:])
