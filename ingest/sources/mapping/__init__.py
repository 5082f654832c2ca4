"""Fields of a log to signals: what a mapping file says of each, the conversion, and one table."""
