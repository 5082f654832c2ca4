"""Uncertainty: intervals and tests in which drives are the independent units."""
