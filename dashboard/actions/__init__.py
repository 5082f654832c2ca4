"""What pages can change: permission, the record of every change, and long commands."""
