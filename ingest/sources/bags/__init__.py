"""Bags: MCAP files and ROS 2 bags. Their messages become telemetry and camera frames."""
