"""Scores result files, from the files to a verdict: read, evaluate, store, judge, commit."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from metrics.evaluation.evaluation import Totals
from metrics.gate.spec import GateSpec
from metrics.tasks.metric import Better
from ridealong.documents import read_text
from ridealong.hashing import short_hash
from ridealong.lake import Lake
from ridealong.lake.files import scratch_folder
from ridealong.regular_files import require_regular
from ridealong.terminal.console import Console, jsonable
from ridealong.terminal.progress import Steps
from shadow.judging import commit_run, judge_again
from shadow.report import note_sentence
from shadow.results.boxes import boxes_material
from shadow.results.clusters import Clusters, clusters_of
from shadow.results.gate import empty_slices, gate_of, margins_used
from shadow.results.guessing import check_format
from shadow.results.hashes import content_sha256
from shadow.results.material import Criteria, Material
from shadow.results.names import network_names
from shadow.results.own_statistics import statistics_material
from shadow.results.request import STATISTICS, ScoreRequest, check_options
from shadow.results.slices import slices_of
from shadow.results.storing import dataset_of, item_rows, store_items, store_results
from shadow.runs import ROLES

STEPS = 7  # read; items stored; each network evaluated, and stored; judged


def score_results(lake: Lake, request: ScoreRequest, console: Console) -> str:
    """Judge result files, and commit the run.

    Returns:
        The run's id.

    Raises:
        RidealongError: A file cannot be read or makes no sense, an option does not fit the files,
            or the disk is full. What was stored stays and is used next time.
    """
    started = time.monotonic()
    check_options(request)
    for path in request.files.values():
        if not path.is_dir():
            require_regular(path)  # a pipe or a device may never end
    check_format(request.format, request.files)
    if request.gate is not None:
        read_text(request.gate)  # fails now rather than after the work
    files = {role: content_sha256(path) for role, path in request.files.items()}
    with console.steps("score", STEPS) as steps:
        row, gate, warnings = _stored(lake, request, files, steps)
        verdict = judge_again(lake.snapshot(), row, gate)
        steps.advance()
    for warning in warnings:
        console.note(f"warning: {warning}")
    commit_run(lake, row, gate, verdict, started)
    return str(row["run_id"])


def _stored(
    lake: Lake, request: ScoreRequest, files: Mapping[str, str], steps: Steps
) -> tuple[dict[str, Any], GateSpec, list[str]]:
    """Read, evaluate and store what is judged; the run as a row of `RUNS`, its gate, and warnings.

    One network is stored before the next one is evaluated, and judging begins when the memory of
    all that is free again.
    """
    material = _material(lake, request)
    steps.advance()
    slices = slices_of(material.frames, request.slices)
    clusters = clusters_of(material.frames, material.drive_from, material.rate_hz)
    items = item_rows(material.frames, clusters)
    dataset = dataset_of(items)
    labels = files.get("truth") or short_hash(files["deployed"], files["candidate"])
    key = _key(material, dataset, labels)
    networks = _identities(files, material)
    store_items(lake, items, dataset)
    steps.advance()

    def store(role: str) -> tuple[Mapping[str, Any], Totals]:
        evaluated = material.evaluate(role)
        steps.advance()
        store_results(lake, networks[role], evaluated, material.frames, key, labels)
        steps.advance()
        return evaluated.summary, evaluated.totals

    summaries, totals = zip(*map(store, ROLES), strict=True)
    criteria = material.criteria(totals)
    gate = gate_of(criteria, material.frames.attributes.column_names, request.gate, slices)
    results = {
        **_recorded(request, files, material, criteria, clusters, slices, gate),
        "metrics": dict(zip(ROLES, summaries, strict=True)),
    }
    names = network_names(request.deployed, request.candidate)
    row = {
        "run_id": lake.new_commit_id(),
        **dict(zip(ROLES, names, strict=True)),
        **{f"{role}_sha256": networks[role] for role in ROLES},
        "definition": key,
        "clip_ids": material.frames.name.to_pylist(),
        "clips_left_out": [],
        "dataset": dataset,
        "results": json.dumps(jsonable(results), allow_nan=False),
    }
    warnings = _warnings(request, files, material)
    if request.gate is not None:
        warnings += empty_slices(gate, material.frames.attributes)
    return row, gate, warnings


def _material(lake: Lake, request: ScoreRequest) -> Material:
    """Read the files."""
    if request.format != STATISTICS:
        return boxes_material(request)
    return statistics_material(request, scratch_folder(lake.home))


def _key(material: Material, dataset: str, labels: str) -> str:
    """The definition under which scores are stored; one for both networks, as they are compared."""
    thresholds = json.dumps(material.thresholds, sort_keys=True)
    return f"results:{short_hash(material.definition, thresholds, dataset, labels)}"


def _identities(files: Mapping[str, str], material: Material) -> dict[str, str]:
    """The hash of each network: that of its file.

    The same file with two thresholds is two networks.
    """
    found = {role: files[role] for role in ROLES}
    one, other = (material.thresholds.get(role) for role in ROLES)
    if found["deployed"] == found["candidate"] and one != other:
        found["candidate"] += "-" + short_hash(json.dumps(other, sort_keys=True))
    return found


def _recorded(
    request: ScoreRequest,
    files: Mapping[str, str],
    material: Material,
    criteria: Criteria,
    clusters: Clusters,
    slices: tuple[str, ...],
    gate: GateSpec,
) -> dict[str, Any]:
    """What the run remembers about its files: the column ``results`` of `RUNS`."""
    return {
        "format": request.format,
        "files": {
            role: {"path": str(path.absolute()), "sha256": files[role]}
            for role, path in request.files.items()
        },
        "options": asdict(request.options),
        "scope": clusters.scope,
        "drives": clusters.drives,
        "drive_from": clusters.text,
        "slices": slices,
        "margins": margins_used(gate),
        "evaluation": None,
        "threshold": None,
        "definitions": [
            {
                "name": metric.name,
                "higher": metric.better is Better.HIGHER,
                "share": metric.share,
                "unit": metric.unit,
            }
            for metric in criteria.metrics
        ],
        "judged": {name: [one.name for one in own] for name, own in criteria.judged.items()},
        "notes": [asdict(note) for note in material.notes],
        "one_sided": asdict(material.one_sided) if material.one_sided else None,
        **material.recorded,
    }


def _warnings(request: ScoreRequest, files: Mapping[str, str], material: Material) -> list[str]:
    """What is odd about the files and options."""
    warnings = []
    if files["deployed"] == files["candidate"]:
        warnings.append(
            f"{request.deployed} and {request.candidate} have the same content: this run "
            "can show no regression, and is never `latest` (but `newest`)"
        )
    if request.threshold is not None and material.recorded.get("threshold") is None:
        warnings.append(
            "--threshold is not used: the output of a tracker is final, so tracks have no threshold"
        )
    return warnings + [note_sentence(asdict(note)) for note in material.notes]
