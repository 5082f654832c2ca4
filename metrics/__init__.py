"""How good predictions are, and how sure that is: statistics, intervals, verdicts."""
