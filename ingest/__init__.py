"""How the fleet's data comes in: sources, telemetry, triggers, clips, labels."""
