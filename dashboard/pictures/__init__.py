"""Pictures of what two networks saw, drawn so that a fault is visible."""
