"""The page Regressions: the result of a run for each prediction."""
