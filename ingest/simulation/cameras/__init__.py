"""What cameras see of a scene, and the exact labels of it."""
