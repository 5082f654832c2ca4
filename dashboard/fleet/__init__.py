"""The page Fleet: what drove, what fired, and where."""
