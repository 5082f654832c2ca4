"""What FiftyOne finds in a dataset folder, as JSON: run by the Python of .venv-oracles.

FiftyOne keeps data sets in MongoDB. Its server, which comes with FiftyOne, listens to a socket in a
temporary folder. Plots, the app, archives and remote storage are replaced: see absent.py.

usage: read_fiftyone.py FOLDER
"""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import cv2
from absent import do_without

do_without(
    "IPython", "argcomplete", "dacite", "dill", "glob2", "graphql", "jinja2", "jsonlines",
    "matplotlib", "plotly", "pprintpp", "psutil", "py7zr", "pydash", "rarfile", "retrying",
    "skimage", "sklearn", "sse_starlette", "sseclient", "starlette", "strawberry", "tabulate",
)  # fmt: skip


def start_database():
    """Start a MongoDB server that ends with this program; returns its address."""
    found = find_spec("fiftyone")
    if found is None:
        raise ModuleNotFoundError("fiftyone")
    server = Path(found.origin).parent / "db/bin/mongod"
    folder = tempfile.TemporaryDirectory()
    socket = Path(folder.name, "mongod.sock")
    words = [server, "--quiet", "--dbpath", folder.name, "--bind_ip", socket]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    # The last one registered runs first. FiftyOne registers its own later, and needs the server.
    for step in (folder.cleanup, process.wait, process.terminate):
        atexit.register(step)
    while not socket.exists() and process.poll() is None:
        time.sleep(0.02)
    if not socket.exists():
        sys.exit(process.poll())  # it has said why
    return f"mongodb://{quote(str(socket), safe='')}"


def label_of(label):
    return {name: label[name] for name, _ in label.iter_fields() if name != "id"}


def sample_of(sample):
    labels = {}
    for name in sample.field_names:
        kind = type(sample[name]).__name__
        if kind in ("Detections", "Polylines"):
            labels[name] = [label_of(label) for label in sample[name][kind.lower()]]
    return {
        "file": Path(sample.filepath).name,
        "shape": cv2.imread(sample.filepath).shape,
        "size": [sample.metadata.width, sample.metadata.height],
        "tags": sample.tags,
        "labels": labels,
    }


def main(folder):
    os.environ |= {
        "FIFTYONE_DATABASE_URI": start_database(),
        "FIFTYONE_DATABASE_VALIDATION": "false",  # it prefers a newer MongoDB
        "FIFTYONE_DO_NOT_TRACK": "true",
        "FIFTYONE_SHOW_PROGRESS_BARS": "false",
    }
    import fiftyone

    found = fiftyone.Dataset.from_dir(folder, dataset_type=fiftyone.types.FiftyOneDataset)
    samples = [sample_of(sample) for sample in found]
    print(json.dumps({"classes": found.default_classes, "info": found.info, "samples": samples}))


if __name__ == "__main__":
    main(*sys.argv[1:])
