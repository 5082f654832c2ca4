"""One module per noun; ``ingest.cli`` mounts their commands."""
