"""Networks in a process of their own: the same outputs, and an end in the middle of an answer."""

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
from shadow.outputs import infer_now, lasting_outputs
from shadow.runs import list_runs

pytestmark = pytest.mark.slow


def test_the_process_answers_ends_when_idle_and_can_be_stopped(demo_home: Path) -> None:
    lake = Lake.open(demo_home)
    snapshot = lake.snapshot()
    outputs = lasting_outputs(lake, snapshot, list_runs(snapshot)[0])
    clip = snapshot.read(CLIPS).to_pylist()[0]
    with closing(Inference(idle_s=0.01)) as inference, open_clip(lake.path(clip["blob"])) as reader:
        times = reader.sample_times(outputs.rate_hz)
        found, expected = (how(outputs, reader, times[:2]) for how in (inference, infer_now))
        for role, one in expected.items():
            for layer, values in one.bev.items():
                assert np.array_equal(found[role].bev[layer], values)
        again = inference(outputs, reader, times[:1])  # from another process, if the first ended
        assert again.keys() == expected.keys()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(inference, outputs, reader, times)
            while not inference._asking.locked():
                assert not asked.done()
            inference.close()
            with pytest.raises(RidealongError, match=STOPPED):
                asked.result()
        with pytest.raises(RidealongError, match=STOPPED):
            inference(outputs, reader, times[:1])
