"""One module per task family: statistics per clip, and the value from their sums."""
