"""The expression language that triggers and ``--where`` share: syntax, types, units, SQL."""
