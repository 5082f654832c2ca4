"""Opens a network of any kind, given its manifest."""

import json
from pathlib import Path
from typing import Annotated, Any, Union

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from ridealong.documents import read_text
from ridealong.errors import NotInstalledError, RidealongError
from ridealong.specs import Spec, parse_spec
from shadow.networks.kinds import find_kind, kind_names, running
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import Network, NetworkKind


def _known(name: str) -> str:
    try:
        find_kind(name)
    except RidealongError as error:
        raise ValueError(str(error)) from error  # pydantic collects only ValueError
    return name


class _Kind(Spec):
    """The one key that determines how to read the others."""

    model_config = ConfigDict(extra="allow")

    kind: Annotated[str, AfterValidator(_known)]


def load_manifest(path: Path) -> NetworkManifest:
    """Read a manifest.

    Raises:
        RidealongError: No such file, not a manifest, of an unknown kind, or it lists predictions
            that such a network cannot give.
    """
    if path.suffix == ".onnx":
        raise RidealongError(
            "is a network",
            where=path,
            expected="its manifest (YAML)",
            hint=f"write one: ridealong networks init {path} --out {path.with_suffix('.yaml')}",
        )
    text = read_text(path)
    kind = find_kind(parse_spec(text, _Kind, where=path).kind)
    manifest: NetworkManifest = parse_spec(text, kind.manifest, where=path)
    return manifest


def parse_manifest(text: str) -> NetworkManifest:
    """Read a manifest as `NetworkManifest.as_json` wrote it.

    Raises:
        NotInstalledError: Its kind is unknown here, or a family of its predictions is: a package is
            missing, broken or of another version.
    """
    kind = find_kind(json.loads(text)["kind"])
    try:
        manifest: NetworkManifest = kind.manifest.model_validate_json(text)
    except ValidationError as error:
        raise NotInstalledError(
            f"its manifest is not valid here: {_first_reason(error)}",
            hint="install the packages with which it was registered",
        ) from error
    return manifest


def _first_reason(error: ValidationError) -> str:
    details = error.errors(include_url=False)[0]
    key = ".".join(map(str, details["loc"]))
    message = details["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of manifests of all kinds, with the discriminator ``kind``.

    Raises:
        RidealongError: The package that provides a kind is broken.
    """
    kinds = [find_kind(name).manifest for name in kind_names()]
    union: Any = Union[tuple(kinds)]  # noqa: UP007 (they are known only now)
    return TypeAdapter(Annotated[union, Field(discriminator="kind")]).json_schema()


def open_network(manifest: NetworkManifest, place: Path | None, device: str = "cpu") -> Network:
    """Open a network.

    Args:
        manifest: Its manifest.
        place: The folder with its artifact, or the artifact itself under any name; None for a
            network without one.
        device: Where it runs, as its kind names devices: ``cpu``, ``cuda``, ``cuda:1``.

    Raises:
        RidealongError: The artifact is missing, damaged, or not what the manifest describes; or
            the kind or the device is unknown; or the package of the kind is broken.
    """
    kind = find_kind(manifest.kind)
    with running(manifest, "open"):
        return kind.open(manifest, _artifact(manifest, place), device)


def parameters_of(manifest: NetworkManifest, folder: Path) -> int | None:
    """The number of learnt parameters, None if there is no such number; checks that it opens.

    Raises:
        RidealongError: As for `open_network`.
    """
    kind = find_kind(manifest.kind)
    if kind.parameters is None:
        network = open_network(manifest, folder)
        with running(manifest, "close"):
            network.close()
        return None
    with running(manifest, "open"):
        return kind.parameters(manifest, _artifact(manifest, folder))


def require_device(manifest: NetworkManifest, device: str) -> None:
    """Check that a network can run here on a device, before any work starts.

    Raises:
        RidealongError: The network cannot run on this device, or a package that it needs is
            missing.
    """
    kind: NetworkKind[Any] = find_kind(manifest.kind)
    if kind.require is not None:
        with running(manifest, "open"):
            kind.require(manifest)
    if kind.require_device is not None:
        with running(manifest, f"check the device {device!r} for"):
            kind.require_device(device)


def _artifact(manifest: NetworkManifest, place: Path | None) -> Path | None:
    if manifest.artifact is None:
        return None
    assert place is not None  # the lake keeps an artifact for every manifest that names one
    return place / manifest.artifact if place.is_dir() else place
