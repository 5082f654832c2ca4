"""Worker processes beside the process that runs a pipeline."""
