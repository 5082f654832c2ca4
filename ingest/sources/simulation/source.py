"""``--source simulation``: a fleet that ``ridealong simulate`` made."""

from pathlib import Path

from ingest.simulation.folders import DRIVES, FILES, MARKER
from ingest.sources.files import hash_files
from ridealong.errors import RidealongError
from ridealong.perception.recording import DriveFiles, Recording


class SimulationSource:
    """A folder of simulated drives, recognised by its ``fleet.json``."""

    name = "simulation"

    def recognises(self, path: Path) -> bool:
        """Whether it is such a folder."""
        return (path / MARKER).is_file() and (path / DRIVES).is_dir()

    def discover(self, path: Path) -> list[DriveFiles]:
        """The complete drives, by name.

        Raises:
            RidealongError: Not a simulated fleet, or no drive in it yet.
        """
        if not self.recognises(path):
            raise RidealongError(
                "not a simulated fleet",
                where=path,
                expected=f"a folder with {MARKER}",
                hint="make one with: ridealong simulate FLEET.yaml --out DIR",
            )
        folders = sorted(
            folder
            for folder in (path / DRIVES).iterdir()
            if folder.is_dir() and not folder.name.startswith(".")
        )
        if not folders:
            raise RidealongError("no drive in this fleet", where=path)
        return [_files(folder) for folder in folders]

    def open(self, files: DriveFiles) -> Recording:
        """Open one drive; raises `UnreadableError` if its ``drive.json`` cannot be read."""
        from ingest.sources.simulation.recording import SimulatedRecording

        return SimulatedRecording(files)


def _files(folder: Path) -> DriveFiles:
    files = [folder / name for name in FILES if (folder / name).exists()]
    sha256, size = hash_files(folder, files)
    return DriveFiles(SimulationSource.name, folder.name, str(folder.absolute()), sha256, size)
