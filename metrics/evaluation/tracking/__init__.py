"""Tracking in images: CLEAR MOT, identity (IDF1) and HOTA, with sums per frame."""
