"""Eight-camera sets per second on one core: the compiled ray caster compared with the numpy one.

    python -m benchmarks.render [--sets N]

The scene is a busy crossing (thirty road users, some six hundred solids in sight) by day, at night
and in rain at night. The ego drives through it by two metres per set, as at 10 m/s and five sets a
second, so that new ground is painted as in a drive. A hundred sets are a clip.

Prints a table. Time is processor time: everything runs in one thread. The peer is the numpy caster
of `tests.oracles`, which draws the same scenes in the same run. The limit is a ratio to the peer,
so that it holds on any machine.
"""

import argparse
import time

import numpy as np

from ingest.simulation.cameras.render import EVERYTHING, VIDEO_ONLY, Renderer
from ingest.simulation.maps.world import Profile, crossing, furnish
from ingest.simulation.rig import rig_cameras
from ingest.simulation.scene import (
    Actor,
    Conditions,
    Light,
    SceneState,
    StaticWorld,
    Weather,
    stack_actors,
)
from ridealong.perception.annotations import LightState, ObjectCategory
from tests.oracles.labels import label_frame
from tests.oracles.raycast import NUMPY

TARGET = 40  # times as many sets as the numpy caster
SIZES = ((96, 160), (160, 256))
CONDITIONS = {
    "day": Conditions(),
    "night": Conditions(Light.NIGHT),
    "night_rain": Conditions(Light.NIGHT, Weather.RAIN),
}


def busy_crossing() -> StaticWorld:
    return furnish(crossing(Profile(2, 2), "DE", seed=3)).finish()


def scene_at(x_m: float, conditions: Conditions) -> SceneState:
    rng = np.random.default_rng(7)
    night = conditions.light is Light.NIGHT
    cars = [
        Actor(
            i + 1,
            ObjectCategory.CAR,
            float(rng.uniform(-110, 60)),
            y,
            0.0 if y < 0 else np.pi,
            4.5,
            1.8,
            1.5,
            tuple(int(c) for c in rng.integers(20, 230, 3)),  # type: ignore[arg-type]
            headlamps=night,
        )
        for i, y in enumerate([-5.1, -1.7, 1.7, 5.1] * 5)
    ]
    walkers = [
        Actor(
            100 + i,
            ObjectCategory.PEDESTRIAN,
            float(rng.uniform(-110, 20)),
            float(rng.choice([-9.0, 9.0])),
            0.0,
            0.6,
            0.6,
            1.75,
            phase_rad=float(i),
        )
        for i in range(10)
    ]
    lights = {f"light{i}": (LightState.RED, LightState.GREEN)[i % 2] for i in range(4)}
    return SceneState(
        x_m,
        -1.7,
        0.0,
        10.0,
        stack_actors([*cars, *walkers]),
        lights,
        frozenset({"light2"}),
        night,
        conditions,
    )


def sets_per_second(
    renderer: Renderer, world: StaticWorld, states: list[SceneState], labelled: bool
) -> float:
    start = time.process_time()
    for i, state in enumerate(states):
        drawn = renderer.render(state, i, EVERYTHING if labelled else VIDEO_ONLY)
        if labelled:
            label_frame(world, state, i, drawn, renderer.cameras)
    return len(states) / (time.process_time() - start)


def measure(
    size: tuple[int, int], conditions: Conditions, world: StaticWorld, sets: int
) -> dict[str, float]:
    cameras = rig_cameras(size[1], size[0])
    states = [scene_at(-140 + 2.0 * i, conditions) for i in range(sets)]
    compiled, slow = Renderer(world, cameras, 1), Renderer(world, cameras, 1, NUMPY)
    for renderer in (compiled, slow):
        sets_per_second(renderer, world, states[:1], labelled=True)
    few = states[sets // 2 :][:2]
    numpy_video = sets_per_second(slow, world, few, labelled=False)
    video = sets_per_second(compiled, world, states, labelled=False)
    return {
        "video": round(video, 1),
        "with_labels": round(sets_per_second(compiled, world, states, labelled=True), 1),
        "numpy_video": round(numpy_video, 2),
        "ratio_to_numpy": round(video / numpy_video, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=100, help="sets per figure")
    sets = parser.parse_args().sets
    world = busy_crossing()
    print("Sets of eight cameras per second of processor time; the peer is the numpy caster.\n")
    print("| size | scene | video | with labels | numpy, video | ours : numpy |")
    print("|---|---|---|---|---|---|")
    ratios = []
    for size in SIZES:
        for name, conditions in CONDITIONS.items():
            row = measure(size, conditions, world, sets)
            ratios.append(row["ratio_to_numpy"])
            print(f"| {size[0]}×{size[1]} | {name} | {' | '.join(map(str, row.values()))} |")
    result = "met" if min(ratios) >= TARGET else "MISSED"
    print(f"\nTarget: {TARGET} times the numpy caster in every scene: {result}.")


if __name__ == "__main__":
    main()
