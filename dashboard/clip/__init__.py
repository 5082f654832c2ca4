"""The page Clip: one clip with the outputs of both networks."""
