"""Fleet triggers: the spec, the expression language, and their evaluation over telemetry."""
