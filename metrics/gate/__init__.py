"""The gate: its spec and its verdicts."""
