"""The commands that belong to the base: those about the lake's files."""
