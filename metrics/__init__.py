"""How good a prediction was, and how sure we are of it: statistics, intervals, verdicts."""
