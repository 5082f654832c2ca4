"""The gate: its spec, and the verdicts it gives."""
