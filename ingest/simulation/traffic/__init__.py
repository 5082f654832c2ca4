"""Who moves where: SUMO around one ego, in processes of its own, and what was logged."""
