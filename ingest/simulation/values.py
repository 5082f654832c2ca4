"""Two types of the simulation, apart from `scene`: SUMO's process must not import pyarrow."""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (N, 2) x and y in the world frame, metres
Colour = tuple[int, int, int]  # sRGB
