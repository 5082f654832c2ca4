"""The page Clips: every clip, and what both networks output on it."""
