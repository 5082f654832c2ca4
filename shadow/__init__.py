"""Two networks on the same clips: the registry, replay, scoring, and what the fleet runs."""
