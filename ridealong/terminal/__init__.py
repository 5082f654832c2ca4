"""What a command prints: text, tables and progress, and how options are completed."""
