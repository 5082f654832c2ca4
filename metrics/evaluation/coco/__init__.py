"""COCO's evaluation of boxes in images, as pycocotools does it, over all images at once."""
