"""What Vicomtech's VCD finds in an OpenLABEL file, as JSON: run by the Python of .venv-oracles.

usage: read_openlabel.py FILE
"""

import json
import sys

from vcd.core import ElementType, OpenLABEL


def main(path):
    found = OpenLABEL()
    found.load_from_file(path)
    objects = {
        uid: {
            "name": one["name"],
            "type": one["type"],
            "frames": [
                frame
                for part in found.get_element_frame_intervals(ElementType.object, uid).get_dict()
                for frame in range(part["frame_start"], part["frame_end"] + 1)
            ],
        }
        for uid, one in found.get_objects().items()
    }
    frames = {
        number: {
            "uris": {
                camera: stream["uri"]
                for camera, stream in frame["frame_properties"]["streams"].items()
            },
            "objects": {uid: one["object_data"] for uid, one in frame.get("objects", {}).items()},
        }
        for number, frame in found.get_root()["frames"].items()
    }
    print(json.dumps({"objects": objects, "frames": frames, "streams": [*found.get_streams()]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
