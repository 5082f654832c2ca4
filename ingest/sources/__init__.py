"""One module per kind of log; each gives drives, telemetry, and frames."""
