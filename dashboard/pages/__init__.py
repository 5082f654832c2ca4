"""One module per page of the dashboard; pages only lay out."""
