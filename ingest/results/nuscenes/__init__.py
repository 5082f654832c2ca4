"""nuScenes: 3D boxes as detection submissions in JSON, with the data set's relational tables."""
