"""The compiled ray caster: its entry points, which numba keeps on disk.

numba compiles an entry point anew when the module that defines it changes, or a value in its
closure. So each has the hash of all kernels' sources in its closure: without it, an entry point
would keep calling the old version of a function that changed in another module.
"""

from ingest.simulation.cameras.raycast import (
    ground_shading,
    lighting,
    painting,
    picture,
    solid_shading,
    visibility,
)
from ingest.simulation.cameras.raycast.interface import Caster
from ingest.simulation.cameras.raycast.kernels import entry_point, sources_hash


def _entry_points(sources: str) -> Caster:
    @entry_point
    def paint_tile(plan, place, texels):
        sources  # noqa: B018  for numba's cache, see above
        painting.paint_tile(plan, place, texels)

    @entry_point
    def fill_light_grid(stamps, daylight, grid):
        sources  # noqa: B018
        lighting.fill_light_grid(stamps, daylight, grid)

    @entry_point
    def light_faces(numbers, kinds, daylight, light, facing):
        sources  # noqa: B018
        lighting.light_faces(numbers, kinds, daylight, light, facing)

    @entry_point
    def draw(view, solids, ground, air, sight, counts, film, image):
        sources  # noqa: B018
        visibility.cast(view, solids, sight, counts)
        solid_shading.shade_above(view, solids, air, sight)
        ground_shading.shade_ground(view, ground, air, sight)
        picture.smooth(view, solids, sight)
        picture.add_halos(view, solids, air, sight)
        picture.add_rain(film.streaks, sight.rgb)
        picture.develop(view, film, sight.rgb, image)

    @entry_point
    def count_visible(who, kinds, visible):
        sources  # noqa: B018
        visibility.count_visible(who, kinds, visible)

    @entry_point
    def segment(view, kinds, ground, sight, surfaces):
        sources  # noqa: B018
        ground_shading.segment(view, kinds, ground, sight, surfaces)

    return Caster(paint_tile, fill_light_grid, light_faces, draw, count_visible, segment)


COMPILED = _entry_points(sources_hash())
