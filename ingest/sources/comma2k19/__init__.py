"""Segments of comma2k19: the source, one opened segment, and its streams as signals."""
