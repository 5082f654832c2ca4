"""The standard forms of what is recorded and seen, shared by labels and networks."""
