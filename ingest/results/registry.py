"""The formats of result files that ridealong reads: its own, and those of installed packages.

An installed package adds a format through the entry point group ``ridealong.results``. The entry
point has the format's name and names a `ResultFormat`.
"""

from typing import Final

from ingest.results.format import ResultFormat
from ridealong.registry import Registry

FORMATS: Final[Registry[ResultFormat]] = Registry(
    group="ridealong.results",
    noun="format",
    # In the order in which they are asked whether they recognise a file; installed ones come after.
    built_in=(),
    type=ResultFormat,
    expected="an ingest.results.format.ResultFormat",
)
