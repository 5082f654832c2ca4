"""Writes a network as ONNX, with its manifest, into a folder."""

import os
import shutil
import tempfile
from pathlib import Path

import yaml

from ridealong.errors import RidealongError
from shadow.networks.kinds import find_kind, kind_names, running
from shadow.networks.manifest import NetworkManifest

MANIFEST = "manifest.yaml"


def export_network(manifest: NetworkManifest, artifact: Path | None, out: Path) -> NetworkManifest:
    """Write a network as ONNX into a new folder; returns the manifest that was written.

    Args:
        manifest: The network.
        artifact: Its artifact, as `shadow.networks.registry.NetworkEntry.artifact` gives it.
        out: The folder; nothing is left of it if this fails.

    Raises:
        RidealongError: The folder is not new or cannot be written, networks of this kind cannot be
            exported, or the artifact is damaged.
    """
    require_export(manifest)
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise RidealongError("not an empty folder", where=out, hint="name another with --out")
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
        try:
            exported = write_onnx(manifest, artifact, staged)
            staged.chmod(0o777 & ~_umask())  # a temporary folder is for its owner alone
            staged.replace(out)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=out) from error
    return exported


def write_onnx(manifest: NetworkManifest, artifact: Path | None, folder: Path) -> NetworkManifest:
    """Write a network as ONNX with its manifest into a folder that exists.

    Raises:
        RidealongError: As for `export_network`.
    """
    require_export(manifest)
    export = find_kind(manifest.kind).export_onnx
    assert export is not None
    with running(manifest, "export"):
        exported = export(manifest, artifact, folder)
    write_manifest(exported, folder)
    return exported


def write_manifest(manifest: NetworkManifest, folder: Path) -> Path:
    """Write a manifest into the folder of its artifact; the longest keys come last."""
    document = manifest.model_dump(mode="json", exclude_defaults=True)
    for name in ("predictions", "thresholds"):
        if name in document:
            document[name] = document.pop(name)
    path = folder / MANIFEST
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=100), "utf-8")
    return path


def require_export(manifest: NetworkManifest) -> None:
    """Check that networks of this kind can be exported, before any work starts.

    Raises:
        RidealongError: They cannot.
    """
    if find_kind(manifest.kind).export_onnx is None:
        able = [name for name in kind_names() if find_kind(name).export_onnx is not None]
        raise RidealongError(
            f"{manifest.id} is of the kind {manifest.kind!r}, which cannot be exported as ONNX",
            expected=f"a network of the kind {' or '.join(able)}",
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
