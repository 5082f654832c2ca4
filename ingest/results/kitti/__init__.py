"""KITTI: object detection and tracking, in text files."""
