"""The formats of result files that ridealong reads: its own, and those of installed packages.

An installed package adds a format through the entry point group ``ridealong.results``. The entry
point has the format's name and names a `ResultFormat`.
"""

from typing import Final

from ingest.results.argoverse2.format import FORMAT as ARGOVERSE2
from ingest.results.bdd100k import FORMAT as BDD100K
from ingest.results.coco import FORMAT as COCO
from ingest.results.format import ResultFormat
from ingest.results.kitti.format import FORMAT as KITTI
from ingest.results.mot import FORMAT as MOT
from ingest.results.nuscenes.format import FORMAT as NUSCENES
from ridealong.registry import Registry

FORMATS: Final[Registry[ResultFormat]] = Registry(
    group="ridealong.results",
    noun="format",
    # In the order in which they are asked whether they recognise a file; installed ones come after.
    built_in=(
        COCO,
        BDD100K,
        KITTI,
        MOT,
        ARGOVERSE2,
        NUSCENES,
    ),
    type=ResultFormat,
    expected="an ingest.results.format.ResultFormat",
)
