"""Names for the array types that signatures use most, and the NumPy type of an Arrow type."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def numpy_type(kind: pa.DataType) -> np.dtype[np.generic]:
    """The NumPy type of an Arrow type's values.

    Arrow's own ``to_pandas_dtype`` imports pandas, which the base does not install.
    """
    empty = pa.array([], kind).to_numpy(zero_copy_only=False)
    return np.asarray(empty).dtype
