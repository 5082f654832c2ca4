"""Lists that grow on disk."""

import json

import pytest

from ingest.labels.entries import EntryLists


def test_documents_are_put_together_from_lists(tmp_path):
    with EntryLists(tmp_path / "lists") as lists:
        for at in range(3):
            lists["some"].add({"id": at, "name": "ü"})
        lists.write_list(tmp_path / "list.json", "some")
        lists.write_document(
            tmp_path / "document.json", {"info": 1}, {"a": "some", "b": "none", "c": "some"}
        )
        assert (lists["some"].count, lists["none"].count) == (3, 0)
    some = [{"id": at, "name": "ü"} for at in range(3)]
    assert json.loads((tmp_path / "list.json").read_text("utf-8")) == some
    document = json.loads((tmp_path / "document.json").read_text("utf-8"))
    assert document == {"info": 1, "a": some, "b": [], "c": some}
    assert not (tmp_path / "lists").exists()


def test_without_a_folder_only_counts(tmp_path):
    sizes = []
    for folder in (None, tmp_path / "lists"):
        with EntryLists(folder) as lists:
            lists["some"].add({"id": 1})
            lists["some"].add({"id": 2})
            sizes.append((lists["some"].count, lists["some"].bytes))
            if folder:
                lists.write_list(tmp_path / "list.json", "some")
    assert sizes[0] == sizes[1] == (2, (tmp_path / "list.json").stat().st_size - 2)


def test_numbers_that_json_cannot_say_are_refused(tmp_path):
    with EntryLists(None) as lists, pytest.raises(ValueError, match="not JSON compliant"):
        lists["some"].add({"score": float("nan")})
