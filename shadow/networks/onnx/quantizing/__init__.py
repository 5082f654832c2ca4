"""Makes a graph of 8-bit integers: which layers, by which ranges, and what each of them loses."""
