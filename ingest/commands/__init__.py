"""One module of commands a noun; ``ingest.cli`` mounts them."""
