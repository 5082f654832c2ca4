"""What Datumaro finds in a COCO export, as JSON: run by the Python of .venv-oracles.

usage: read_coco.py FOLDER_OR_FILE [FORMAT]
"""

import json
import logging
import sys
from pathlib import Path

from datumaro.components.dataset import Dataset
from datumaro.components.environment import Environment


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def item_of(item):
    image = item.media.data if item.media is not None else None
    return {
        "id": item.id,
        "subset": item.subset,
        "shape": None if image is None else list(image.shape),
        "boxes": [
            {
                "type": box.type.name,
                "label": box.label,
                "box": [round(float(value), 3) for value in box.get_bbox()],
                "attributes": box.attributes,
            }
            for box in item.annotations
        ],
    }


def main(path, kind="coco"):
    warnings = Kept()
    logging.getLogger().addHandler(warnings)
    detected = Environment().detect_dataset(path) if Path(path).is_dir() else None
    items = [item_of(item) for item in Dataset.import_from(path, kind)]
    told = {"detected": detected, "items": items, "warnings": warnings.lines}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
