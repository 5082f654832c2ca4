"""Which kind of network to draft a manifest for."""

from pathlib import Path

from ridealong.errors import RidealongError
from shadow.networks.drafting import Draft
from shadow.networks.onnx.drafting import draft_manifest
from shadow.networks.python.drafting import draft_python
from shadow.networks.python.manifest import is_code


def draft_of(network: str) -> Draft:
    """The draft of the manifest of an ONNX file, or of an entry point of an installed package.

    Raises:
        RidealongError: There is no such file or entry point, or it is neither.
    """
    path = Path(network)
    if path.suffix in (".py", ".ipynb") or path.is_dir():
        raise RidealongError(
            "is Python in a file or folder, which is not run" if path.suffix else "is a folder",
            where=path,
            expected="an ONNX file, or the name of an entry point of an installed package",
            hint="docs/bring-your-own.md shows a package",
        )
    if path.exists() or path.suffix == ".onnx" or is_code(network):
        return draft_manifest(path)
    return draft_python(network)
