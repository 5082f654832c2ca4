"""Decoders: from arrays with known axes to the standard forms."""
