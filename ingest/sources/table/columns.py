"""Columns of tables as Arrow gives them, in pieces, to one array each."""

import pyarrow as pa


def whole(column: pa.ChunkedArray) -> pa.Array:
    """``(N,)`` the pieces of a column in one array."""
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)
