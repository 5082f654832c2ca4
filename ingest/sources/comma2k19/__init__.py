"""Segments of comma2k19: the source, what a segment holds, and its streams as signals."""
