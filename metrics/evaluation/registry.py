"""The evaluations of result files: ridealong's own, and those of installed packages.

An installed package adds an evaluation through the entry point group ``ridealong.evaluations``. The
entry point has the evaluation's name and names an `Evaluation`.
"""

from typing import Final

from metrics.evaluation.evaluation import Evaluation
from ridealong.registry import Registry

EVALUATIONS: Final[Registry[Evaluation]] = Registry(
    group="ridealong.evaluations",
    noun="evaluation",
    built_in=(),
    type=Evaluation,
    expected="a metrics.evaluation.evaluation.Evaluation",
)
