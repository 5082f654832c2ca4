"""All formats that are written from the neutral form, by name."""

from collections.abc import Mapping

from ingest.labels.formats import cvat, fiftyone, kitti, label_studio, openlabel
from ingest.labels.formats.format import Format

FORMATS: Mapping[str, Format] = {
    module.FORMAT.name: module.FORMAT for module in (cvat, label_studio, openlabel, kitti, fiftyone)
}
