"""The evidence of a verdict: the scores of two networks, checked, paired and summed."""
