"""Label formats, out and in."""
