"""How Apache Beam carries work out: the wiring, the embedded runner, runners elsewhere."""
