"""Charts: Arrow in, Altair out. No Streamlit."""

import altair as alt
import pyarrow as pa

from ingest.telemetry.signals import lookup
from ridealong.units import NS_PER_S


def signal_chart(telemetry: pa.Table, signal: str, start_ns: int) -> alt.Chart:
    """One signal over the seconds since ``start_ns``; unknown values leave gaps."""
    unit = lookup(signal).unit
    seconds = [(t - start_ns) / NS_PER_S for t in telemetry["timestamp_ns"].to_pylist()]
    values = telemetry[signal].to_pylist()
    rows = [{"seconds": s, "value": v} for s, v in zip(seconds, values, strict=True)]
    return (
        alt.Chart(alt.Data(values=rows), title=f"{signal} ({unit})")
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("seconds:Q", title="seconds since the clip's start"),
            y=alt.Y("value:Q", title=unit, scale=alt.Scale(zero=False)),
            tooltip=[
                alt.Tooltip("seconds:Q", format=".2f"),
                alt.Tooltip("value:Q", title=f"value ({unit})", format=".4g"),
            ],
        )
        .properties(height=170)
    )


def known_signals(telemetry: pa.Table) -> list[str]:
    """The numeric signals that have at least two known values."""
    return [
        name
        for name in telemetry.column_names
        if name != "timestamp_ns"
        and (
            pa.types.is_floating(telemetry[name].type) or pa.types.is_integer(telemetry[name].type)
        )
        and len(telemetry) - telemetry[name].null_count >= 2
    ]
