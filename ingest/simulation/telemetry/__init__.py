"""The ego's telemetry of a logged drive: signals by stated rules, and their faults."""
