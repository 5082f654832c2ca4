"""Clips: cut from a drive, encoded as MCAP, read back, verified."""
