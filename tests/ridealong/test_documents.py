"""What stands in a YAML file of a user's: read, or refused in one line, and soon."""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from ingest.simulation.fleet import FleetSpec
from ingest.sources.attributes import AttributesSpec
from ingest.triggers.spec import TriggerSpec
from metrics.gate.spec import GateSpec
from ridealong import documents
from ridealong.errors import ManyErrors, RidealongError, each
from ridealong.specs import Day, Spec, load_spec, parse_spec
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.hydranet.training.recipe import Recipe

KINDS = [TriggerSpec, FleetSpec, AttributesSpec, GateSpec, HydraNetManifest, Recipe]


class Inner(Spec):
    """A nested one."""

    share: float = 0.5


class Tried(Spec):
    """A bit of everything."""

    name: str = "x"
    count: int = 1
    factor: float = 1.0
    flag: bool = False
    day: Day | None = None
    inner: Inner = Inner()
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    items: tuple[Inner, ...] = ()


def read(text: str) -> Tried:
    return parse_spec(text, Tried, "f.yaml")


def refused(text: str, kind: type[Spec] = Tried) -> list[str]:
    with pytest.raises(RidealongError) as caught:
        parse_spec(text, kind, "f.yaml")
    return [str(error) for error in each(caught.value)]


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
ONE_LINE = {
    "day that is none": ("day: 9999-99-99", "f.yaml:1: day: 9999-99-99 is not in the calendar"),
    "31st of february": ("day: 2026-02-31", "f.yaml:1: day: 2026-02-31 is not in the calendar"),
    "moment for a day": ("day: 2026-02-03T10:00:00", "is not a day; expected one like 2027-01-31"),
    "number for a day": ("day: 20260203", "20260203 is not a day"),
    "5,000 digits": ("count: " + "9" * 5000, "f.yaml:1: 999"),
    "hexadecimal digits": ("count: 0x" + "f" * 70, "too large a whole number"),
    "10^400": ("count: 1" + "0" * 400, "too large a whole number; expected at most 9223372036854"),
    "explicit tag": ("count: !!int abc", "f.yaml:1: 'tag:yaml.org,2002:int' is read as a tag"),
    "a tag of python": ("name: !!python/object:os.system x", "is read as a tag"),
    "a not of C": ("name: !Vehicle.ADAS.ABS.IsEngaged", "put a text that begins with '!' in"),
    "4,000 levels": ("name: " + "[" * 4000 + "]" * 4000, "f.yaml:1: nested too deep"),
    "4,000 levels of maps": ("{a: " * 4000 + "1" + "}" * 4000, "f.yaml:1: nested too deep"),
    "a billion laughs": (LAUGHS, "too many values, aliases written out"),
    "a merged billion": (
        "a0: &a0 {k: [x, x, x, x, x, x]}\n"
        + "".join(
            f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}, r: *a{n - 1}}}\n" for n in range(1, 20)
        ),
        "too many values, aliases written out",
    ),
    "an alias of itself": ("name: &a [*a]", "f.yaml:1: *a contains itself"),
    "an alias of nothing": ("name: *a", "f.yaml:1: there is no anchor &a above"),
    "too much text": ("# " + "x" * documents.LARGEST_BYTES, "f.yaml: is too large; expected at"),
    "twice the same key": ("name: a\ncount: 2\nname: b", "f.yaml:3: duplicate key 'name';"),
    "endless": ("factor: .inf", "f.yaml:1: factor: Input should be a finite number, not .inf"),
    "no number": ("inner: {share: .nan}", "inner.share: Input should be a finite number, not .nan"),
    "beyond floats": ("factor: 1e999", "factor: Input should be a finite number, not 1e999"),
    "sexagesimal": ("count: 1:30", "count: Input should be a valid integer"),
    "true for a number": ("count: true", "f.yaml:1: count: Input should be a number, not true"),
    "true for a share": ("inner: {share: true}", "inner.share: Input should be a number, not true"),
    "a number for a text": ("name: 2026.10", "name: 2026.10 is a number; put it in quotes: '2026"),
    "a flag for a text": ("name: true", "name: true is true or false; put it in quotes: 'true'"),
    "a control character": ("name: a\n# \x00", "f.yaml:2: not valid YAML"),
    "tabs": ("inner:\n\tshare: 1", "indent with spaces, not with tabs"),
    "several documents": ("name: a\n---\nname: b", "f.yaml:2: a second document begins here"),
    "nothing": ("", "f.yaml: is empty; expected a YAML mapping of keys"),
    "a comment": ("# nothing\n", "f.yaml: is empty"),
    "a list": ("- name", "f.yaml: holds a list; expected a YAML mapping of keys"),
    "a text": ("just words", "f.yaml: holds a text; expected a YAML mapping of keys"),
    "a list for keys": ("inner: [1]", "inner: Input should be keys and values, not a list"),
    "keys for a list": ("items: {a: 1}", "items: Input should be a list, not keys and values"),
    "a key that is a list": ("[a, b]: 1", "f.yaml:1: a list cannot be a key; expected a text"),
    "merging a text": ("<<: x", "f.yaml:1: '<<' brings in a text; expected keys and values"),
    "an open bracket": ("items: [", "f.yaml:2:1: not valid YAML"),
    "an unknown key": ("naem: a", "f.yaml:1: unknown key 'naem'; did you mean 'name'?"),
    "an endless key": ("? " + "k" * 5000 + "\n: 1", "f.yaml:1: unknown key 'kkk"),
}


@pytest.mark.parametrize("case", ONE_LINE)
def test_one_line_and_soon(case: str) -> None:
    text, message = ONE_LINE[case]
    started = time.process_time()
    (line,) = refused(text)[:1]
    assert message in line and "\n" not in line and len(line) < 400, line
    assert time.process_time() - started < 5


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "case", ["4,000 levels", "a billion laughs", "5,000 digits", "explicit tag"]
)
def test_every_spec_is_bounded(case: str, kind: type[Spec]) -> None:
    text, message = ONE_LINE[case]
    assert any(message in line for line in refused(text, kind))


def test_what_yaml_1_2_reads() -> None:
    text = """
    name: 'yes'
    count: 0x10
    factor: 1e-3
    flag: yes
    day: 2027-01-31
    weights: {NO: 1, 2026.10: .5, 1:30: 010}
    """
    spec = read(text)
    assert (spec.name, spec.count, spec.factor, spec.flag) == ("yes", 16, 0.001, True)
    assert spec.weights == {"NO": 1, "2026.10": 0.5, "1:30": 10}
    assert str(spec.day) == "2027-01-31"


def test_anchors_aliases_and_merging() -> None:
    items = "[*i, {<<: *i}, {<<: [{share: 0.5}, *i]}, {share: 1, <<: *i}]"
    text = f"inner: &i {{share: 0.25}}\nitems: {items}"
    assert [item.share for item in read(text).items] == [0.25, 0.25, 0.5, 1]


def test_every_fault_of_a_file_is_told_in_the_order_of_its_lines() -> None:
    text = "count: true\nname: 5\nnaem: x\ninner: {share: x}\nday: 2026-02-31\nname: 6\n"
    places = [line.split(":")[1] for line in refused(text)]
    assert places == ["2", "3", "4", "5", "6"]  # a flag for a number is found where all else fits


def test_a_thousand_faults_are_counted() -> None:
    lines = refused("\n".join(f"k{n}: 1" for n in range(1000)))
    assert len(lines) == 21
    assert lines[-1] == "f.yaml: and 980 more mistakes"


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    (tmp_path / "large.yaml").write_bytes(b"#" * 10_000_000)
    (tmp_path / "marked.yaml").write_bytes("name: é".encode("utf-8-sig"))
    messages = {
        "pipe": "is not a regular file; expected a file",
        "device": "is not a regular file; expected a file",
        "folder": "is a folder; expected a file",
        "latin": "not UTF-8 text; expected a YAML file",
        "large": "is too large; expected at most 1024 KiB",
        "gone": "No such file or directory",
    }
    for name, message in messages.items():
        path = tmp_path / f"{name}.yaml"
        with pytest.raises(RidealongError) as caught:
            load_spec(path, Tried)
        assert str(caught.value) == f"{path}: {message}"
    assert load_spec(tmp_path / "marked.yaml", Tried).name == "é"


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {case: refused(text)[0].split(": ")[0] for case, (text, _) in ONE_LINE.items()}
    monkeypatch.setattr(documents, "_LOADER", yaml.SafeLoader)
    slow = {case: refused(text)[0].split(": ")[0] for case, (text, _) in ONE_LINE.items()}
    places = ("an open bracket", "tabs", "a control character")  # the two count columns otherwise
    assert {c: p for c, p in quick.items() if c not in places} == {
        c: p for c, p in slow.items() if c not in places
    }


PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff")
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abc<"), inner, max_size=4)
    ),
    max_leaves=12,
)


class Quoting(yaml.SafeDumper):
    """Texts in quotes: PyYAML writes YAML 1.1, where 0E0 is a text; in 1.2 it is a number."""


Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@settings(max_examples=100, deadline=None, database=None)
@given(st.dictionaries(st.text("xyz", min_size=1), PLAIN, min_size=1, max_size=4))
def test_what_is_written_is_read_back(content: dict[str, Any]) -> None:
    text = yaml.dump(content, Dumper=Quoting, allow_unicode=True)
    assert documents.parse_document(text, "f").root.plain == content


PIECES = (
    """a b: - [ ] { } , : & * ! | > ' " # % @ ` ? << &a *a !!int 1 1:30 0x .inf ~ \\ é --- ..."""
)
SOUP = st.sampled_from([*PIECES.split(), "\n", "\n  ", "\t", "\x00", "\u2028"])


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(SOUP, max_size=30).map(" ".join))
def test_any_text_is_read_or_refused_in_lines(text: str) -> None:
    try:
        read(text)
    except RidealongError as error:
        assert all("\n" not in str(one) for one in each(error))


def test_many_errors_are_one_line_where_there_is_one_line() -> None:
    many = ManyErrors([RidealongError("a"), ManyErrors([RidealongError("b", where="f")])])
    assert str(many) == "a; f: b"
    assert [str(one) for one in each(many)] == ["a", "f: b"]
