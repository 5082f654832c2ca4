"""Arrow's types in NumPy, without pandas."""

import numpy as np
import pyarrow as pa
import pytest

from ridealong.arrays import numpy_type


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.int8(), pa.uint16(), pa.int64()])
def test_as_arrow_itself_has_it(kind: pa.DataType) -> None:
    assert numpy_type(kind) == np.dtype(kind.to_pandas_dtype())
