"""Evaluations of whole data sets, as the reference tools of their formats do them."""
