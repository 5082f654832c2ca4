"""How work is run: the loop over shards, Beam's wiring, worker processes, accounting."""
