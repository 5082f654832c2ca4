"""Argoverse 2: 3D boxes in feather files, or in one flat Parquet file."""
