"""How alike two clips look: a perceptual hash of a frame from each clip's middle.

The hash (dHash) has a bit for each of 16×15 neighbouring pairs of a shrunken grey image: whether
the right one is brighter. It hardly changes with brightness and noise. The distance of two hashes
is the number of bits that differ.
"""

import numpy as np
from PIL import Image as PillowImage

from ingest.clips.picture import default_moment_s
from ingest.clips.read import ClipReader
from ridealong.perception.recording import Image
from ridealong.units import NS_PER_S

BITS = 240
NEAR_BITS = 24  # clips whose hashes differ in at most so many bits (a tenth) are near-duplicates
_ROWS, _COLUMNS = 15, 17
_USUAL = "main"


def hash_of(reader: ClipReader) -> str | None:
    """The hash of a clip, in hexadecimal digits; None if it has no frame.

    Raises:
        RidealongError: The clip is damaged.
    """
    names = [name for name in reader.cameras if len(reader.timestamps(name))]
    if not names:
        return None
    camera = _USUAL if _USUAL in names else names[0]
    times = reader.timestamps(camera)
    middle = reader.metadata.start_ns + round(default_moment_s(reader) * NS_PER_S)
    nearest = times[[int(np.abs(times - middle).argmin())]]
    ((_, images),) = reader.frames_at([camera], nearest)
    return image_hash(images[camera])


def image_hash(image: Image) -> str:
    """The hash of an ``(H, W, 3)`` image."""
    grey = PillowImage.fromarray(image).convert("L")
    small = grey.resize((_COLUMNS, _ROWS + 1), PillowImage.Resampling.BOX)
    values = np.asarray(small, np.int16)[:_ROWS]
    return np.packbits(values[:, 1:] > values[:, :-1]).tobytes().hex()


def distance(one: str, two: str) -> int:
    """The number of bits in which two hashes differ."""
    return (int(one, 16) ^ int(two, 16)).bit_count()
