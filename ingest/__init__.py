"""How the fleet's data comes in: signals, sources, triggers, clips, labels, and the lake."""
