"""Video and telemetry that belong together as one drive: by name and time, or ``drive.yaml``."""
