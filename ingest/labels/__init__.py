"""Label formats that are exported."""
