"""The simulated fleet: traffic, the world that it moves in, and the cameras that see it.

`scene` is the boundary: traffic fills it, the cameras draw it and the labels read it.
"""
