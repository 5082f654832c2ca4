"""The base that every package stands on, and the command line.

It holds what ``ingest``, ``metrics``, ``shadow`` and ``dashboard`` share, and nothing that one of
them could own alone.
"""
