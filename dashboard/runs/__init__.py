"""The page Runs and networks: runs, networks, and what the fleet runs."""
