"""Triggers: the spec, and its evaluation on telemetry."""
