"""Clips: cut them from drives, write them as MCAP, read and verify them."""
