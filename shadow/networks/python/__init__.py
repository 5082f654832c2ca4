"""Networks that are a user's own Python: an entry point of an installed package."""
