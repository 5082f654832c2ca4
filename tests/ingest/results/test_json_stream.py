"""Lists in JSON files, read in batches, compared with Python's own reader."""

import json
import os
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.results import json_stream
from ingest.results.json_stream import beginning, lists_in
from ridealong.errors import RidealongError


def gathered(path, keys=("a", "b")):
    found = {}
    for key, batch in lists_in(path, keys):
        found.setdefault(key, []).extend(batch)
    return found


def written(folder, text, encoding="utf-8"):
    path = folder / "file.json"
    path.write_bytes(text.encode(encoding))
    return path


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet='ab"\\{}[],: \n\té😀', max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab},", max_size=3), inner),
    max_leaves=8,
)
LISTS = st.lists(VALUES, max_size=12)
LAYOUTS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@pytest.fixture(scope="module")
def small_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", 24)
        patch.setattr(json_stream, "BATCH", 3)
        yield


@settings(max_examples=60, deadline=None)
@given(LISTS, LAYOUTS)
def test_a_list_is_read_as_json_does(small_chunks, tmp_path_factory, values, layout):
    path = written(tmp_path_factory.getbasetemp(), json.dumps(values, **layout))
    assert gathered(path) == {None: values}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({"a": LISTS, "x": VALUES, "b": LISTS, "y": LISTS}), LAYOUTS)
def test_lists_of_an_object_are_read_as_json_does(small_chunks, tmp_path_factory, document, layout):
    path = written(tmp_path_factory.getbasetemp(), json.dumps(document, **layout))
    assert gathered(path) == {"a": document["a"], "b": document["b"]}


@settings(max_examples=60, deadline=None)
@given(LISTS, LAYOUTS, st.data())
def test_a_part_of_a_file_is_refused(small_chunks, tmp_path_factory, values, layout, data):
    text = json.dumps({"a": values}, **layout)
    cut = data.draw(st.integers(0, len(text) - 1))
    path = written(tmp_path_factory.getbasetemp(), text[:cut])
    with pytest.raises(RidealongError, match=r"is cut off|is empty|is not valid JSON"):
        gathered(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("17", "holds a number; expected a list or an object"),
        ("null", "holds null"),
        ('"text"', "holds a text"),
        ("true", "holds true or false"),
        ("[1, 2", "is cut off"),
        ("[1, 2}", "',' is missing"),
        ("[1,]", "is not valid JSON"),
        ("[1] 2", "there is more after its end"),
        ('{"a": 1}', "'a' is a number; expected a list"),
        ('{"a": {}}', "'a' is an object; expected a list"),
        ('{"a": [], "a": []}', "has 'a' twice"),
        ('{"a" []}', "':' is missing"),
        ("{3: []}", "is not valid JSON"),
        ('{"a": [1] "b": []}', "',' is missing"),
        ("[" * 100_000, "is nested too deeply"),
        ("[" + "9" * 5000 + "]", "is not valid JSON"),
        ("[nonsense]", r"is not valid JSON: Expecting value \(character 1\)"),
        ("not JSON at all", "is not valid JSON"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, says):
    with pytest.raises(RidealongError, match=says):
        gathered(written(tmp_path, text))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_of_json(tmp_path, encoding):
    path = written(tmp_path, '{"a": ["Straße"]}', encoding)
    assert gathered(path) == {"a": ["Straße"]}
    assert beginning(path).lstrip("\ufeff") == '{"a": ["Straße"]}'


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(b'["\xff\xfe\xfa"]')
    with pytest.raises(RidealongError, match="is not text"):
        gathered(path)


def test_folders_and_pipes(tmp_path):
    with pytest.raises(RidealongError, match="is a folder"):
        gathered(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RidealongError, match="is a named pipe"):
        gathered(pipe)
    assert beginning(tmp_path) == beginning(pipe) == beginning(tmp_path / "absent") == ""


def test_memory_is_that_of_a_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "CHUNK", 1 << 14)
    row = {"image_id": 1, "bbox": [1.5, 2.5, 3.5, 4.5], "score": 0.25}
    path = written(tmp_path, json.dumps([row] * 10_000))
    tracemalloc.start()
    count = sum(len(batch) for _, batch in lists_in(path, ()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 10_000
    assert peak < path.stat().st_size / 2
