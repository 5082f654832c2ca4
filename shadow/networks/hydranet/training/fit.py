"""Fitting the weights: epochs over labelled sets, with a checkpoint after each epoch.

The order of the sets and their exposure depend only on the seed and the epoch. So a fit that was
killed and resumed ends with the same weights as one that was not (on the same processor, with the
same number of threads).
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor

from ridealong.errors import RidealongError
from ridealong.terminal.progress import Steps
from shadow.networks.hydranet.initialise import initialised_network
from shadow.networks.hydranet.model import HydraNet
from shadow.networks.hydranet.topdown import Sampling
from shadow.networks.hydranet.training.losses import Rarity, Targets, losses_of, rarity_of
from shadow.networks.hydranet.training.recipe import FitSpec, Recipe, heads_of
from shadow.networks.hydranet.training.sets import LabelledSets

LAST_RATE = 0.01  # of the highest
CHECKPOINT = "checkpoint.safetensors"
MODEL, AVERAGE, FIRST, SECOND = "model.", "average.", "adam.first.", "adam.second."


@dataclass
class Fit:
    """A network between two epochs.

    Attributes:
        model: The model after the last step.
        average: The moving average of its weights and statistics. This is the result of the fit.
        optimiser: AdamW over the model.
        epoch: The number of finished epochs.
        history: Mean loss of each head in each epoch.
    """

    model: HydraNet
    average: dict[str, Tensor]
    optimiser: torch.optim.AdamW
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Lessons:
    """All sets in memory, and what they have in common.

    Attributes:
        drives: Sets by drive.
        sampling: Where top-down cells lie in the cameras; all drives have the same rig.
        cameras: The names of the cameras.
        heads: The heads that are trained.
        rarity: Weights of classes.
        lights_C: The cameras in which lights are searched for.
    """

    drives: Sequence[LabelledSets]
    sampling: Sampling | None
    cameras: tuple[str, ...]
    heads: tuple[str, ...]
    rarity: Rarity
    lights_C: NDArray[np.bool_]

    def __len__(self) -> int:
        return sum(len(sets) for sets in self.drives)

    def places(self) -> NDArray[np.int64]:
        """``(N, 2)``: for every set, its drive and its index there."""
        each = [(d, t) for d, sets in enumerate(self.drives) for t in range(len(sets))]
        return np.array(each, np.int64).reshape(-1, 2)


def make_lessons(
    drives: Sequence[LabelledSets], recipe: Recipe, sampling: Sampling | None
) -> Lessons:
    """Collect what a fit needs.

    Raises:
        RidealongError: There is no camera set.
    """
    if not sum(len(sets) for sets in drives):
        raise RidealongError(
            "no camera set to learn from",
            where="recipe: train",
            hint="make the drives longer, or 'every' shorter",
        )
    cameras = tuple(camera.value for camera in recipe.inputs.cameras)
    rarity = rarity_of([s.segmentation for s in drives], [s.bev for s in drives if len(s)])
    lights = np.array([camera in recipe.config.lights for camera in recipe.inputs.cameras])
    return Lessons(drives, sampling, cameras, tuple(heads_of(recipe.config)), rarity, lights)


def fit(recipe: Recipe, lessons: Lessons, folder: Path, device: str, steps: Steps) -> Fit:
    """Fit the recipe's network; continue from the folder's checkpoint if there is one.

    Raises:
        RidealongError: A loss is NaN or infinite (the message names the head, and the last
            checkpoint is kept), or the checkpoint is not this recipe's or cannot be written.
    """
    state = _start(recipe, folder / CHECKPOINT, torch.device(device))
    steps.advance(state.epoch)
    with _threads(recipe.fit.threads):
        while state.epoch < recipe.fit.epochs:
            state.history.append(_epoch(state, recipe.fit, lessons, torch.device(device), folder))
            state.epoch += 1
            _save(state, folder / CHECKPOINT)
            steps.advance()
    return state


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start(recipe: Recipe, checkpoint: Path, device: torch.device) -> Fit:
    model = initialised_network(recipe.config, recipe.fit.seed).to(device)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(
        model.parameters(), recipe.fit.learning_rate, weight_decay=recipe.fit.weight_decay
    )
    state = Fit(model, {k: v.clone() for k, v in _floating(model).items()}, optimiser)
    if checkpoint.exists():
        _resume(state, checkpoint)
    return state


def _epoch(
    state: Fit, spec: FitSpec, lessons: Lessons, device: torch.device, folder: Path
) -> dict[str, float]:
    generator = np.random.default_rng([spec.seed, state.epoch])
    batches = list(_batches(lessons, spec.batch, generator))
    sums = dict.fromkeys(lessons.heads, 0.0)
    state.model.train()
    for number, places in enumerate(batches):
        done = state.epoch * len(batches) + number
        for group in state.optimiser.param_groups:
            group["lr"] = rate_at(spec, done, spec.epochs * len(batches))
        images, targets = batch_of(lessons, places, generator, spec.gain, device)
        sampling = lessons.sampling.to(device) if lessons.sampling else None
        output = state.model(images, targets.present_BC, lessons.cameras, sampling)
        losses = losses_of(output.float(), targets, lessons.rarity, lessons.heads)
        _check(losses, state.epoch, number, folder)
        _step(state, spec, losses, done)
        for head, loss in losses.items():
            sums[head] += loss.item() / len(batches)
    return {head: round(value, 5) for head, value in sums.items()}


def rate_at(spec: FitSpec, step: int, steps: int) -> float:
    """The learning rate at a step: it rises linearly, then falls along a cosine to a hundredth."""
    warm = spec.warm_up * steps
    if step < warm:
        return spec.learning_rate * (step + 1) / (warm + 1)
    way = (step - warm) / max(steps - warm, 1)
    share = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * way)) / 2
    return spec.learning_rate * share


def _batches(
    lessons: Lessons, size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Every set once, in a new order, in batches of almost equal size.

    A last batch of a single set would have no statistics.
    """
    places = lessons.places()[generator.permutation(len(lessons))]
    count = max(len(places) // size, 1)
    yield from np.array_split(places, count)


def batch_of(
    lessons: Lessons,
    places: NDArray[np.int64],
    generator: np.random.Generator,
    gain: float,
    device: torch.device,
) -> tuple[Tensor, Targets]:
    """Images ``(B, C, 3, H, W)`` in 0 to 1 and their targets; the exposure of each set varies."""
    sets = [(lessons.drives[d], int(t)) for d, t in places]
    images = torch.from_numpy(np.stack([s.images[t] for s, t in sets])).to(device)
    bright = generator.uniform(1 - gain, 1 + gain, (len(sets), 1, 1, 1, 1)).astype(np.float32)
    lit = images.permute(0, 1, 4, 2, 3).float() * (torch.from_numpy(bright).to(device) / 255)

    def stack(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(s, name)[t] for s, t in sets])).to(device)

    def rows(name: str) -> NDArray[np.float32]:
        found = [_renumbered(getattr(s, name), t, b) for b, (s, t) in enumerate(sets)]
        return np.concatenate(found)

    lights = rows("lights")
    targets = Targets(
        present_BC=stack("present"),
        boxes_M8=rows("boxes"),
        lights_M7=lights[lessons.lights_C[lights[:, 1].astype(np.int64)]],
        lanes_BChw=stack("lanes"),
        depth_BChw=stack("depth_m"),
        segmentation_BChw=stack("segmentation"),
        bev_BYyx=stack("bev"),
    )
    return lit.clamp(0, 1), targets


def _renumbered(rows: NDArray[np.float32], place: int, batch: int) -> NDArray[np.float32]:
    mine: NDArray[np.float32] = rows[rows[:, 0] == place].copy()
    mine[:, 0] = batch
    return mine


def _step(state: Fit, spec: FitSpec, losses: dict[str, Tensor], done: int) -> None:
    total = torch.stack([spec.weights[head] * loss for head, loss in losses.items()]).sum()
    state.optimiser.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), spec.clip)
    state.optimiser.step()
    # The average starts from random weights, so at first it forgets faster.
    keep = min(spec.average, (1 + done) / (10 + done))
    with torch.no_grad():
        for name, now in _floating(state.model).items():
            state.average[name].lerp_(now, 1 - keep)


def _check(losses: dict[str, Tensor], epoch: int, batch: int, folder: Path) -> None:
    for head, loss in losses.items():
        if not math.isfinite(loss.item()):
            kept = f"; the weights after epoch {epoch} are kept" if epoch else ""
            raise RidealongError(
                f"the loss of the head {head!r} is {loss.item()} in epoch {epoch + 1}, "
                f"batch {batch + 1}{kept}",
                where=folder / CHECKPOINT if epoch else folder,
                hint="lower fit.learning_rate or fit.clip in the recipe, and use a new --out",
            )


def _floating(model: HydraNet) -> dict[str, Tensor]:
    return {k: v.detach() for k, v in model.state_dict().items() if v.is_floating_point()}


def _save(state: Fit, path: Path) -> None:
    names = {id(parameter): name for name, parameter in state.model.named_parameters()}
    tensors = {MODEL + k: v for k, v in state.model.state_dict().items()}
    tensors |= {AVERAGE + k: v for k, v in state.average.items()}
    for parameter, moments in state.optimiser.state.items():
        tensors[FIRST + names[id(parameter)]] = moments["exp_avg"]
        tensors[SECOND + names[id(parameter)]] = moments["exp_avg_sq"]
    taken = [float(m["step"]) for m in state.optimiser.state.values()]
    progress = {"epoch": state.epoch, "steps": max(taken, default=0.0), "history": state.history}
    partial = path.with_name(f".{path.name}.partial")
    try:
        safetensors.torch.save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            partial,
            metadata={"fit": json.dumps(progress)},
        )
        partial.replace(path)
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=path) from error
    finally:
        partial.unlink(missing_ok=True)


def _resume(state: Fit, path: Path) -> None:
    try:
        with safe_open(path, "pt") as stored:
            progress = json.loads(stored.metadata()["fit"])
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        state.model.load_state_dict(_under(tensors, MODEL))
        state.average = {k: v.to(state.average[k]) for k, v in _under(tensors, AVERAGE).items()}
        for name, parameter in state.model.named_parameters():
            state.optimiser.state[parameter] = {
                "step": torch.tensor(progress["steps"]),
                "exp_avg": tensors[FIRST + name].to(parameter),
                "exp_avg_sq": tensors[SECOND + name].to(parameter),
            }
    except Exception as error:
        raise RidealongError(
            f"not a checkpoint of this recipe ({error})",
            where=path,
            hint="delete it to start again",
        ) from error
    state.epoch, state.history = int(progress["epoch"]), list(progress["history"])


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
