"""Which clips are shown, and in which order: for the page Clips, and for the clip that it opens."""
