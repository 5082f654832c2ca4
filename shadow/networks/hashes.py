"""Whether an artifact is the one that a manifest names."""

from pathlib import Path

from ridealong.errors import RidealongError


def check_hash(actual: str, expected: str, where: Path) -> None:
    """Compare the hash of a file with that in its manifest.

    Raises:
        RidealongError: They differ.
    """
    if actual != expected:
        raise RidealongError(
            f"the file's sha256 is {actual}",
            where=where,
            expected=f"{expected}, as in the manifest",
            hint="fetch the file again, or correct the manifest if the file is the right one",
        )
