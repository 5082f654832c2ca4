"""Pictures of what networks and labels say about a frame, for pages and reports alike."""
