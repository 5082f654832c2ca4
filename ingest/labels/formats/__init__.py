"""The file formats of exports and imports, one module each; `ingest.labels.formats.registry`."""
