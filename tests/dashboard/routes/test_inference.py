"""Networks in a process of their own: the same outputs, and an end in the middle of an answer."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from dashboard.routes.inference import STOPPED, Inference
from ingest.clips.read import open_clip
from ingest.schemas import CLIPS
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.outputs import RunOutputs, infer_now, lasting_outputs
from shadow.runs import list_runs

pytestmark = pytest.mark.slow


def test_the_process_answers_and_ends_when_idle(demo_home: Path) -> None:
    outputs, clip = _outputs_and_clip(demo_home)
    with closing(Inference(idle_s=0.01)) as inference, open_clip(clip) as reader:
        times = reader.sample_times(outputs.rate_hz)
        found, expected = (how(outputs, reader, times[:2]) for how in (inference, infer_now))
        for role, one in expected.items():
            for layer, values in one.bev.items():
                assert np.array_equal(found[role].bev[layer], values)
        again = inference(outputs, reader, times[:1])  # from another process, if the first ended
        assert again.keys() == expected.keys()


def test_the_process_is_stopped_in_the_middle_of_an_answer(demo_home: Path) -> None:
    outputs, clip = _outputs_and_clip(demo_home)
    with (
        closing(Inference()) as inference,
        open_clip(clip) as reader,
        ThreadPoolExecutor(1) as pool,
    ):
        times = reader.sample_times(outputs.rate_hz)
        inference(outputs, reader, times[:1])
        assert inference._process is not None
        inference._process.send_signal(signal.SIGSTOP)  # so that it cannot answer before the end
        asked = pool.submit(inference, outputs, reader, times)
        while not inference._asking.locked():
            assert not asked.done()
        inference.close()
        with pytest.raises(RidealongError, match=STOPPED):
            asked.result()
        with pytest.raises(RidealongError, match=STOPPED):
            inference(outputs, reader, times[:1])


def _outputs_and_clip(home: Path) -> tuple[RunOutputs, Path]:
    lake = Lake.open(home)
    snapshot = lake.snapshot()
    outputs = lasting_outputs(lake, snapshot, list_runs(snapshot)[0])
    return outputs, lake.path(snapshot.read(CLIPS).to_pylist()[0]["blob"])
