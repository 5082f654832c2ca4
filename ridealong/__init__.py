"""The base that all packages use, and the command line.

It contains what ``ingest``, ``metrics``, ``shadow`` and ``dashboard`` share, and nothing that
belongs to one of them alone.
"""
