"""What the two networks of a run from result files are called: by their files."""

from pathlib import Path


def network_names(deployed: Path, candidate: Path) -> tuple[str, str]:
    """The files' names, or the shortest ends of their paths that differ."""
    first, second = deployed.absolute().parts, candidate.absolute().parts
    for length in range(1, max(len(first), len(second)) + 1):
        names = "/".join(first[-length:]), "/".join(second[-length:])
        if names[0] != names[1]:
            return names
    return first[-1], second[-1]
