"""What Datumaro finds in an export of labels, as JSON: run by the Python of .venv-oracles.

usage: read_labels.py FOLDER_OR_FILE FORMAT
"""

import json
import sys

from datumaro.components.dataset import Dataset


def shape_of(shape, names):
    return {
        "type": shape.type.name,
        "label": names[shape.label].name,
        "points": [round(float(value), 6) for value in shape.points],
        "attributes": shape.attributes,
    }


def main(path, kind):
    data = Dataset.import_from(path, kind)
    items = []
    for item in data:
        names = data.categories()[next(iter(data.categories()))].items
        image = item.media.data if item.media is not None else None
        shapes = [shape_of(shape, names) for shape in item.annotations]
        size = None if image is None else list(image.shape)
        items.append({"id": item.id, "shape": size, "shapes": shapes})
    print(json.dumps(items))


if __name__ == "__main__":
    main(*sys.argv[1:])
