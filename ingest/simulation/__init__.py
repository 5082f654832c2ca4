"""The embedded fleet: traffic that moves, a world that it moves in, cameras that see it.

`scene` is the boundary: traffic fills it, the cameras draw it and the labels read it.
"""
