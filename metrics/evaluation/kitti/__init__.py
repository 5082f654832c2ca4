"""KITTI's object detection: average precision in the image, seen from above, and in space."""
