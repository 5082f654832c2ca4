"""What the fleet runs, and how a candidate gets there."""
