"""Names in the folder of a simulated fleet: its marker, its drives, its maps."""

MARKER = "fleet.json"
DRIVES, MAPS = "drives", "maps"
# The files of one drive.
FILES = (
    "drive.json",
    "telemetry.parquet",
    "ego.parquet",
    "actors.parquet",
    "tracks.parquet",
    "lights.parquet",
)
