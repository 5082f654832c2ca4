"""Processes beside the one that runs a pipeline: who starts them, and what runs in them."""
