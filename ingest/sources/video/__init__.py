"""Video files: the source, the tracks of a file, and decoding their frames."""
