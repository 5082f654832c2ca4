"""Arrow schema of the table that the dashboard writes: who changed what."""

import pyarrow as pa

from ridealong.lake.tables import TableSpec, column

AUDIT = TableSpec(
    "audit",
    pa.schema(
        [
            column("time_ns", pa.int64(), "when", "ns"),
            column("who", pa.string(), "the person, as far as known; null unknown"),
            column("address", pa.string(), "address of the browser"),
            column("action", pa.string(), "what was done, as in 'runs name'"),
            column("subject", pa.string(), "what it was done to, such as the id of a run"),
            column("before", pa.string(), "the state before, as JSON"),
            column("after", pa.string(), "the state after, as JSON; null if it was refused"),
            column("refused", pa.string(), "why it was refused; null if it was done"),
        ]
    ),
    order=("time_ns",),
)
