"""What av2-api says of detections, as JSON: run by the Python of .venv-oracles.

The official evaluation starts processes and rounds to three digits, so its two steps are called
here: sweeps one after the other, then the means.

usage: read_argoverse2.py LABELS.json DETECTIONS.json (columns by name)
"""

import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from absent import do_without

do_without(
    "matplotlib", "polars", "numba", "joblib", "upath", "rich", "av2.map", "av2.utils.io",
    "av2.structures.sweep", "av2.rendering",
)  # fmt: skip

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from av2.evaluation.detection.constants import TruePositiveErrorNames  # noqa: E402
from av2.evaluation.detection.eval import DTS_COLUMNS, GTS_COLUMNS, summarize_metrics  # noqa: E402
from av2.evaluation.detection.utils import DetectionCfg, accumulate  # noqa: E402

KEY = ["log_id", "timestamp_ns", "category"]


def main(labels, detections):
    warnings.simplefilter("ignore")
    gts, dts = (
        pd.DataFrame(json.loads(Path(path).read_text())).sort_values(KEY).reset_index(drop=True)
        for path in (labels, detections)
    )
    categories = tuple(sorted(gts["category"].unique()))
    cfg = DetectionCfg(categories=categories, eval_only_roi_instances=False)
    columns = [*cfg.affinity_thresholds_m, *(e.value for e in TruePositiveErrorNames)]
    columns.append("is_evaluated")
    of_dts, of_gts = np.zeros((len(dts), 8)), np.zeros((len(gts), 8))
    found, known = (table.groupby(KEY).indices for table in (dts, gts))
    nothing = np.zeros(0, np.int64)
    for key in sorted({*found, *known}):
        one, other = found.get(key, nothing), known.get(key, nothing)
        of_dts[one], of_gts[other] = accumulate(
            dts.loc[one, list(DTS_COLUMNS)].to_numpy(float),
            gts.loc[other, list(GTS_COLUMNS)].to_numpy(float),
            cfg,
        )
    dts = pd.concat([dts, pd.DataFrame(of_dts, columns=columns)], axis=1)
    gts = pd.concat([gts, pd.DataFrame(of_gts, columns=columns)], axis=1)
    summary = summarize_metrics(dts, gts, cfg)
    print(json.dumps({"per_class": summary.to_dict("index"), "mean": summary.mean().to_dict()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
