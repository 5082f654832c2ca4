"""What Label Studio's SDK says of an export, as JSON: run by the Python of .venv-oracles.

usage: read_label_studio.py INTERFACE TASKS
"""

import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface
from label_studio_sdk.label_interface.objects import AnnotationValue, PredictionValue

SOMEBODY = 1  # the server says who annotated


def main(interface, tasks):
    known = LabelInterface(Path(interface).read_text())
    found = json.loads(Path(tasks).read_text())
    wrong = []
    for task in found:
        wrong += [a["id"] for a in task["annotations"] if not known.validate_annotation(a)]
        for prediction in task["predictions"]:
            wrong += known.validate_prediction(prediction, return_errors=True)
    print(json.dumps({"wrong": wrong, "tasks": [task_of(known, task) for task in found]}))


def task_of(known, task):
    """The files that a task shows, and the regions of its annotations and predictions."""
    shown = known.load_task(task["data"])
    annotations = [AnnotationValue(**one, completed_by=SOMEBODY) for one in task["annotations"]]
    predictions = [PredictionValue(**one) for one in task["predictions"]]
    return {
        "id": task["id"],
        "media": [one.value for one in shown.objects],
        "annotations": [list(map(region_of, one.result)) for one in annotations],
        "predictions": [
            {"score": one.score, "result": list(map(region_of, one.result))} for one in predictions
        ],
    }


def region_of(region):
    told = region if isinstance(region, dict) else region.model_dump()
    return {name: told.get(name) for name in ("id", "score", "value", "meta")}


if __name__ == "__main__":
    main(*sys.argv[1:])
