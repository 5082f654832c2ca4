"""Road networks: three maps made by code, for SUMO and for the cameras."""
