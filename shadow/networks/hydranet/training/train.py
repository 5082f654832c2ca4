"""``ridealong networks train``: make a network and its model card from a recipe.

The folder holds all intermediate results: simulated drives, camera sets, the checkpoint. After a
kill the same command continues where it stopped. If everything is there, it does nothing.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import yaml

from ingest.simulation.simulate import simulate
from ingest.sources.simulation.source import SimulationSource
from ridealong.errors import RidealongError
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.console import Console
from shadow.networks.hydranet.config import possible_predictions
from shadow.networks.hydranet.loading import require_device
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.model import parameter_count
from shadow.networks.hydranet.topdown import make_sampling
from shadow.networks.hydranet.training.calibrate import Calibrated, calibrate
from shadow.networks.hydranet.training.card import write_card
from shadow.networks.hydranet.training.fit import Fit, fit, make_lessons
from shadow.networks.hydranet.training.recipe import DataSpec, Recipe
from shadow.networks.hydranet.training.sets import read_sets, render_sets
from shadow.networks.opening import load_manifest

RECIPE = "recipe.json"
WEIGHTS, MANIFEST, CARD, CALIBRATION = (
    "weights.safetensors",
    "manifest.yaml",
    "card.md",
    "calibration.json",
)


@dataclass(frozen=True)
class TrainingReport:
    """The result of one training; the document that ``networks train --json`` prints.

    ``sets`` counts the camera sets it learnt from. ``losses`` are the mean losses of the heads over
    the last epoch. ``fresh`` is false if everything existed already.
    """

    network: str
    manifest: str
    sha256: str
    parameters: int
    predictions: int
    drives: int
    sets: int
    epochs: int
    losses: dict[str, float]
    fresh: bool
    seconds: float


def train(recipe: Recipe, out: Path, console: Console, device: str = "cpu") -> TrainingReport:
    """Simulate, render, fit, calibrate, and write the network.

    Raises:
        RidealongError: ``out`` contains the work of another recipe, a drive failed, a loss is not
            finite, the device does not exist, or the disk is full.
    """
    started = time.monotonic()
    require_device(device)
    _claim(out, recipe)
    drives = _drives(recipe.train, out / "train", console)
    fitted, sets, conditions = _fitted(recipe, drives, out, console, device)
    folder = out / recipe.id
    fresh = not (folder / CALIBRATION).exists()
    if fresh:
        _write_network(folder, recipe, fitted, sets, ())
        others = _drives(recipe.calibrate, out / "calibrate", console)
        with console.steps("calibration drives", len(others)) as steps:
            chosen = calibrate(folder / MANIFEST, others, recipe.calibrate, steps)
        manifest = _write_network(folder, recipe, fitted, sets, chosen)
        write_card(folder / CARD, recipe, manifest, conditions, fitted.history, chosen)
        values = {c.prediction: [c.metric, c.value, c.threshold] for c in chosen}
        (folder / CALIBRATION).write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    written = load_manifest(folder / MANIFEST)
    return TrainingReport(
        network=recipe.id,
        manifest=str(folder / MANIFEST),
        sha256=written.network_sha256,
        parameters=parameter_count(fitted.model),
        predictions=len(written.predictions),
        drives=len(drives),
        sets=sets,
        epochs=fitted.epoch,
        losses=fitted.history[-1],
        fresh=fresh,
        seconds=round(time.monotonic() - started, 2),
    )


def _claim(out: Path, recipe: Recipe) -> None:
    """Write the recipe to the folder, or check that the folder has the same recipe."""
    marker, text = out / RECIPE, recipe.model_dump_json(indent=1) + "\n"
    if marker.exists() and marker.read_text("utf-8") != text:
        raise RidealongError(
            "the folder contains another recipe's work",
            where=out,
            hint="name another folder with --out",
        )
    if not marker.exists() and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RidealongError("not an empty folder", where=out, hint="name another with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        marker.write_text(text, "utf-8")
    except OSError as error:
        raise RidealongError(error.strerror or str(error), where=out) from error


def _drives(data: DataSpec, folder: Path, console: Console) -> list[DriveFiles]:
    report = simulate(data.fleet, folder, console)
    if report.failures:
        raise RidealongError(
            f"{report.failed} of {report.drives} drives failed, the first is {report.failures[0]}",
            where=folder,
            hint="run the same command again",
        )
    return SimulationSource().discover(folder)


def _fitted(
    recipe: Recipe, drives: Sequence[DriveFiles], out: Path, console: Console, device: str
) -> tuple[Fit, int, Counter[str]]:
    """The fit, the number of its camera sets, and how many were taken under which conditions."""
    with console.steps("drives drawn", len(drives)) as steps:
        files = render_sets(drives, recipe.train, recipe.inputs.cameras, out / "sets", steps)
    kept = [read_sets(file) for file in files]
    names = [camera.value for camera in recipe.inputs.cameras]
    sampling = make_sampling(names, recipe.train.fleet.rig.cameras()) if recipe.config.bev else None
    lessons = make_lessons(kept, recipe, sampling)
    with console.steps("epochs", recipe.fit.epochs) as steps:
        fitted = fit(recipe, lessons, out, device, steps)
    conditions: Counter[str] = Counter()
    for drive, sets in zip(drives, kept, strict=True):
        known = SimulationSource().open(drive).attributes
        values = {"light": known.light, "weather": known.weather, "road": known.road}
        conditions.update({f"{key} {value}": len(sets) for key, value in values.items()})
    return fitted, len(lessons), conditions


def _write_network(
    folder: Path, recipe: Recipe, fitted: Fit, sets: int, chosen: Sequence[Calibrated]
) -> HydraNetManifest:
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.cpu().contiguous() for name, tensor in fitted.average.items()}
    artifact = safetensors.torch.save(weights)
    (folder / WEIGHTS).write_bytes(artifact)
    possible = possible_predictions(recipe.config, recipe.inputs.cameras)
    manifest = HydraNetManifest(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        licence=recipe.licence,
        trained=f"{recipe.fit.epochs} epochs over {sets} camera sets of simulated drives on the "
        f"map {recipe.train.fleet.map}, thresholds chosen on the map "
        f"{recipe.calibrate.fleet.map}; recipe {recipe_sha256(recipe)[:12]}",
        artifact=WEIGHTS,
        sha256=hashlib.sha256(artifact).hexdigest(),
        kind="safetensors",
        architecture="hydranet",
        config=recipe.config,
        inputs=recipe.inputs,
        # "No light in sight" is not predicted: it is the absence of the other states.
        predictions=tuple(name for name in possible if not name.startswith("lights/none@")),
        thresholds={c.prediction: c.threshold for c in chosen},
    )
    document = manifest.model_dump(mode="json")
    for name in ("predictions", "thresholds"):  # the longest keys come last
        document[name] = document.pop(name)
    text = yaml.safe_dump(document, sort_keys=False, width=100)
    (folder / MANIFEST).write_text(text, "utf-8")
    return manifest


def recipe_sha256(recipe: Recipe) -> str:
    """Hash of the recipe: its identity."""
    return hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()
