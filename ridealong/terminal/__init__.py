"""Output of commands: text, tables, progress, and completion of options."""
