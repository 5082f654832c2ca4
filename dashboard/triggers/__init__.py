"""The page Triggers: what the fleet looks for."""
