"""Compile the ray caster before the first drive needs it.

    python -m ingest.simulation.cameras.compile

numba keeps what it compiled beside the source, so this takes half a minute once and a second after.
Otherwise each process that cuts clips compiles before its first clip.
"""

from ingest.simulation.cameras.labels import label_clip
from ingest.simulation.cameras.render import Renderer
from ingest.simulation.maps.world import Profile, crossing, furnish
from ingest.simulation.rig import rig_cameras
from ingest.simulation.scene import Actor, Conditions, Light, SceneState, Weather, stack_actors
from ridealong.perception.annotations import LightState, ObjectCategory


def compile_kernels() -> None:
    """Draw and label one scene that uses every kernel."""
    world = furnish(crossing(Profile(2, 2), "DE", seed=3)).finish()
    car = Actor(1, ObjectCategory.CAR, 15.0, -5.1, 0.0, 4.5, 1.8, 1.5, (200, 30, 30), True)
    walker = Actor(2, ObjectCategory.PEDESTRIAN, 10.0, -9.0, 0.0, 0.6, 0.6, 1.75)
    lights = {light.name: LightState.RED for light in world.lights}
    conditions = Conditions(Light.NIGHT, Weather.RAIN, 0.5)
    state = SceneState(
        -20.0, -1.7, 0.0, 10.0, stack_actors([car, walker]), lights, headlamps=True,
        conditions=conditions,
    )  # fmt: skip
    label_clip(Renderer(world, rig_cameras(160, 96), seed=1), world, [(0, state)])


if __name__ == "__main__":
    compile_kernels()
