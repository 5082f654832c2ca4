"""Processes whose memory a test measures."""

# Allocators keep freed memory for a while, as much as chance has it. These give it back at once.
GIVES_BACK = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
