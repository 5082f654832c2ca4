"""Labels as labeling tools give them back: one reader for each format, and archives."""
