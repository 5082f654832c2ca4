"""Releases: which network the fleet runs, and how a candidate is deployed."""
