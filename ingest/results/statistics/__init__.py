"""The user's own metrics, one row per item: ``--format statistics`` (docs/statistics.md)."""
