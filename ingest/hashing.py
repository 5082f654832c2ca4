"""Identities from content."""

import hashlib


def short_hash(*parts: str) -> str:
    """16 hexadecimal digits that stand for the parts, in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
