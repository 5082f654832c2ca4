"""One module of commands a noun; ``shadow.cli`` mounts them."""
