"""What should be labelled next: the queue, and how clips are ranked for it."""
