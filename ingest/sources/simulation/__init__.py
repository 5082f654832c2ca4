"""Simulated fleets: the source, and frames and labels rendered from the log."""
