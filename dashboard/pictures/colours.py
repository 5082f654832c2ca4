"""The colours of what is drawn over video; they do not depend on the theme of the page."""

from ridealong.perception.annotations import BevLayer, Surface

Colour = tuple[int, int, int]  # red, green, blue, 0 to 255

LAYERS: dict[str, Colour] = {
    "labels": (163, 230, 53),
    "deployed": (56, 189, 248),
    "candidate": (251, 146, 60),
}
# Of Cityscapes where it has the class, lighter where it is too dark over a night's picture.
SURFACES: dict[str, Colour] = {
    Surface.ROAD: (150, 90, 160),
    Surface.LANE_MARKING: (255, 255, 255),
    Surface.SIDEWALK: (244, 80, 220),
    Surface.TERRAIN: (152, 251, 152),
    Surface.BUILDING: (130, 130, 130),
    Surface.VEGETATION: (107, 160, 35),
    Surface.POLE: (230, 210, 130),
    Surface.VEHICLE: (60, 100, 240),
    Surface.PERSON: (240, 40, 70),
    Surface.SKY: (90, 180, 235),
}
BEV_LAYERS: dict[str, Colour] = {
    BevLayer.ROAD: (95, 95, 105),
    BevLayer.LANE_LINE: (235, 235, 235),
    BevLayer.ROAD_EDGE: (230, 190, 90),
    BevLayer.OCCUPANCY: (150, 115, 170),
    BevLayer.VEHICLE: (70, 130, 250),
    BevLayer.PERSON: (245, 60, 90),
}


def css(colour: Colour) -> str:
    """A colour as the browser takes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
