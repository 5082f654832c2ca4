"""The page Fleet: drives, events, and where they were."""
