"""Road networks: three maps from code, as SUMO reads them and as cameras see them."""
