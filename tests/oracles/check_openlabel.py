"""Where OpenLABEL files break the schema of ASAM OpenLABEL 1.0.0, as JSON.

The schema comes from Vicomtech's VCD. Run by the Python of .venv-oracles.

usage: check_openlabel.py FILE...
"""

import json
import sys
from pathlib import Path

import jsonschema
from vcd.schema import openlabel_schema


def main(*paths):
    validator = jsonschema.Draft7Validator(openlabel_schema)
    errors = [
        error.message
        for path in paths
        for error in validator.iter_errors(json.loads(Path(path).read_text()))
    ]
    print(json.dumps(errors))


if __name__ == "__main__":
    main(*sys.argv[1:])
