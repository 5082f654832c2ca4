"""Boxes in images, as formats in JSON have them: COCO and BDD100K."""
