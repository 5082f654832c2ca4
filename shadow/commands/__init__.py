"""One module per noun; ``shadow.cli`` mounts their commands."""
