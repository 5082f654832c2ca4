"""Boxes in space: matched by the distance of their centres, as nuScenes and Argoverse 2 do it."""
