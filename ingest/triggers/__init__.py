"""Fleet triggers: the spec, and its evaluation over telemetry."""
