"""The model card: what a network is, its training data, and its quality on another map.

It follows Mitchell et al. 2019, "Model Cards for Model Reporting", where a simulated fleet has an
answer.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.training.calibrate import Calibrated
from shadow.networks.hydranet.training.recipe import Recipe


def write_card(
    path: Path,
    recipe: Recipe,
    manifest: HydraNetManifest,
    conditions: Counter[str],
    history: Sequence[dict[str, float]],
    chosen: Sequence[Calibrated],
) -> None:
    """Write the card as Markdown.

    Args:
        path: Where.
        recipe: The recipe of the network.
        manifest: Its manifest.
        conditions: Camera sets by condition, e.g. ``{"light day": 1200}``.
        history: Mean loss of each head, for each epoch.
        chosen: The thresholds, and the value of each prediction's metric at them.
    """
    parts = [
        f"# {manifest.id}",
        manifest.description,
        f"**Trained**: {manifest.trained}. **Licence**: {manifest.licence}. "
        f"**Predictions**: {len(manifest.predictions)}, from {len(manifest.inputs.cameras)} "
        f"cameras of {manifest.inputs.width} x {manifest.inputs.height} pixels.",
        "**Meant for**: shadow runs on simulated fleets. It was never trained on real images, and "
        "its outputs must not steer a car.",
        "## Training data",
        _conditions(conditions),
        "## Training",
        f"Seed {recipe.fit.seed}, {recipe.fit.epochs} epochs in batches of {recipe.fit.batch}, "
        f"learning rate up to {recipe.fit.learning_rate:g}. Mean loss by head:",
        _losses(history),
        "## On the calibration map",
        "The thresholds were chosen on these drives, so these values are slightly too good.",
        _values(chosen),
    ]
    path.write_text("\n\n".join(parts) + "\n", "utf-8")


def _conditions(conditions: Counter[str]) -> str:
    lines = ["| condition | camera sets |", "|---|---:|"]
    return "\n".join(
        [*lines, *(f"| {name} | {count} |" for name, count in sorted(conditions.items()))]
    )


def _losses(history: Sequence[dict[str, float]]) -> str:
    heads = list(history[0]) if history else []
    lines = [f"| epoch | {' | '.join(heads)} |", "|---:" * (len(heads) + 1) + "|"]
    shown = sorted({0, len(history) // 2, len(history) - 1} & set(range(len(history))))
    for number in shown:
        values = " | ".join(f"{history[number][head]:.3f}" for head in heads)
        lines.append(f"| {number + 1} | {values} |")
    return "\n".join(lines)


def _values(chosen: Sequence[Calibrated]) -> str:
    lines = ["| prediction | metric | value | threshold |", "|---|---|---:|---:|"]
    for c in chosen:
        value = "-" if c.value is None else f"{c.value:.3f}"
        lines.append(f"| {c.prediction} | {c.metric} | {value} | {c.threshold:g} |")
    return "\n".join(lines)
