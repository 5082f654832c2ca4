"""The page Regressions: what a run found, prediction by prediction."""
