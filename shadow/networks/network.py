"""What shadow needs of a network, and of a kind of networks: everything else is the kind's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ridealong.arrays import Bools
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from shadow.networks.manifest import NetworkManifest

Frames = NDArray[np.uint8]  # (T, height, width, 3), RGB
M = TypeVar("M", bound=NetworkManifest)


class Network(Protocol):
    """An open network of any kind; `shadow.networks.opening.open_network` returns one."""

    @property
    def manifest(self) -> NetworkManifest:
        """What it is, what it needs, and which predictions it gives."""

    def perceive(
        self,
        frames: Mapping[str, Frames],
        timestamps_ns: NDArray[np.int64],
        calibrations: Mapping[str, CameraCalibration],
        *,
        present: Mapping[str, Bools] | None = None,
    ) -> Perception:
        """The network's outputs on a clip: the predictions of its manifest, nothing else.

        The same clip gives the same bytes on one kind of processor, for any number of cores.
        A camera that the clip lacks, or that the manifest does not name, is not used. Where a
        single frame is lost there are no rows, depth is NaN and segmentation `UNLABELLED`.

        Args:
            frames: By camera, ``(T, height, width, 3)`` uint8 RGB; cameras may differ in size.
            timestamps_ns: ``(T,)``, ascending.
            calibrations: By camera, for the size of its frames.
            present: By camera ``(T,)``, False where the frame was lost; by default none was.

        Returns:
            Boxes and lines in pixels of the clip's own images; dense outputs at any resolution.

        Raises:
            ValueError: Arrays of the wrong shape or type.
        """

    def close(self) -> None:
        """Release what the network holds; it is not used afterwards.

        Nothing may depend on it: a worker process ends without closing its networks.
        """


@dataclass(frozen=True)
class NetworkKind(Generic[M]):
    """One kind of network: how its manifest is written, and how such a network is opened.

    The functions take the network's manifest and its artifact: a file whose name and place may
    differ from those in the manifest; None if the manifest names none.

    Attributes:
        name: The ``kind`` of its manifests.
        manifest: Their type.
        open: Opens a network on a device (``cpu``, ``cuda``, ...). Raises `RidealongError` if the
            artifact is missing, damaged, or not what the manifest describes.
        parameters: The number of learnt parameters of a network, None if it has no such number.
            It is called once, when the network is registered, and raises as ``open`` does: what it
            accepts can be opened. By default the network is opened, and there is no number.
        require_device: Raises `RidealongError` if its networks cannot run on this device. By
            default the device is not checked.
        suffix: Of the artifact's copy in the lake.
        files: The names of all files of a network, the artifact first, if there can be several.
            The lake keeps several files as one uncompressed tar archive, and ``open`` gets that.
        by_frame: Whether the outputs at an instant depend on this instant alone; a function of the
            manifest if this is not the same for all networks of the kind. Then a few frames of a
            clip can be inferred without the others, for example to show them.
        export_onnx: Writes a network into a folder as ONNX file, perhaps with others, and returns
            its manifest, of the kind ``onnx``. By default its networks cannot be exported.
        require: Raises `RidealongError` if a network cannot be opened in this installation, such as
            when its package is missing. It is called before any work starts.
    """

    name: str
    manifest: type[M]
    open: Callable[[M, Path | None, str], Network]
    parameters: Callable[[M, Path | None], int | None] | None = None
    require_device: Callable[[str], None] | None = None
    suffix: str = ""
    files: Callable[[M], tuple[str, ...]] | None = None
    by_frame: bool | Callable[[M], bool] = False
    export_onnx: Callable[[M, Path | None, Path], NetworkManifest] | None = None
    require: Callable[[M], None] | None = None
