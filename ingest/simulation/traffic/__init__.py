"""Traffic: SUMO around one ego, in separate processes, and its logs."""
