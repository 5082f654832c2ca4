"""The process in which networks run: it reads questions, and writes an answer to each.

It ends when its standard input does, which is when the server ends, however that ends.
"""

import os
import pickle
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from dashboard.routes.inference import Question
from ingest.clips.read import open_clip
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.perception.annotations import Perception
from shadow.outputs import RunOutputs, infer_now, lasting_outputs
from shadow.runs import find_run

RUNS_KEPT = 2  # with their networks


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    while True:
        try:
            question = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(answer(question), answers)
        answers.flush()


def answer(question: Question) -> Mapping[str, Perception] | RidealongError:
    """What the networks give, by role, or why they give nothing."""
    try:
        outputs = _outputs(question.home, question.run_id)
        with open_clip(question.clip) as reader:
            return infer_now(outputs, reader, question.times)
    except RidealongError as error:
        return error


@lru_cache(RUNS_KEPT)
def _outputs(home: Path, run_id: str) -> RunOutputs:
    snapshot = Lake.open(home).snapshot()
    return lasting_outputs(Lake(home), snapshot, find_run(snapshot, run_id))


if __name__ == "__main__":
    main()
