"""What the ego would send of a logged drive: signals by stated rules, and their faults."""
