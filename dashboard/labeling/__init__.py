"""The page Labeling: the queue of clips to be labelled, exports and imports."""
