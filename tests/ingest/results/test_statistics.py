"""Statistics files: what is read, paired and refused."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.results.statistics.files import is_statistics
from ingest.results.statistics.read import Statistics, read_statistics
from ridealong.errors import RidealongError

HEAD = "drive,item,prediction,metric,numerator,denominator"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str | bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


def sums(found: Statistics) -> list[tuple[object, ...]]:
    """The pairs of both networks, with names instead of codes."""
    names = found.frames.name.to_pylist()
    rows = zip(found.deployed.to_pylist(), found.candidate.to_pylist(), strict=True)
    return [
        (names[d["frame"]], d["prediction"], d["metric"], d["numerator"], d["denominator"],
         c["numerator"], c["denominator"])
        for d, c in rows
    ]  # fmt: skip


def test_rows_are_paired_by_their_key_in_any_order(write: Write) -> None:
    ours = write(f"{HEAD}\nA,1,p,f1,3,4\nA,2,p,f1,1,4\nA,2,q,f1,0,1\n")
    theirs = write(f"{HEAD}\nA,2,p,f1,2,5\nA,1,p,f1,4,4\nA,2,q,f1,1,1\n", "b.csv")
    assert sums(read_statistics(ours, theirs)) == [
        ("1", "p", "f1", 3, 4, 4, 4),
        ("2", "p", "f1", 1, 4, 2, 5),
        ("2", "q", "f1", 0, 1, 1, 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffdrive;item;prediction;metric;value\nA;1;p;m;0.5\n",
        "drive\titem\tprediction\tmetric\tvalue\r\nA\t1\tp\tm\t0.5\r\n",
        ",drive,item,prediction,metric,value\n0,A,1,p,m,0.5\n",
        '"drive","item","prediction","metric","value"\n"A","1","p","m","0.5"\n',
    ],
    ids=["semicolon and BOM", "tab and CRLF", "an index of pandas", "quoted"],
)
def test_dialects_of_csv_are_recognised(write: Write, text: str) -> None:
    path = write(text)
    assert sums(read_statistics(path, path)) == [("1", "p", "m", 0.5, 1, 0.5, 1)]
    assert is_statistics(path)


def test_parquet_with_numbers_as_names(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table(
            {
                "drive": [7, 7],
                "item": [1, 2],
                "prediction": pa.array(["p", "p"]).dictionary_encode(),
                "metric": ["m", "m"],
                "numerator": [1, 0],
                "denominator": pa.array([2.0, 3.0], pa.float32()),
                "rain": [True, False],
            }
        ),
        path,
    )
    found = read_statistics(path, path)
    assert sums(found) == [("1", "p", "m", 1, 2, 1, 2), ("2", "p", "m", 0, 3, 0, 3)]
    assert found.frames.drive.to_pylist() == ["7", "7"]
    assert found.frames.attributes["rain"].to_pylist() == ["true", "false"]


def test_names_stay_as_they_are_written(write: Write) -> None:
    path = write(f"{HEAD}\n007,0012,lane/centre@x & more,50%=half,1,2\n")
    assert sums(read_statistics(path, path)) == [
        ("0012", "lane/centre@x & more", "50%=half", 1, 2, 1, 2)
    ]


def test_items_of_several_drives_may_have_one_name(write: Write) -> None:
    path = write(f"{HEAD}\nA/1,2,p,m,1,2\nA,1/2,p,m,1,2\nA,2,p,m,1,2\n")
    names = read_statistics(path, path).frames.name.to_pylist()
    assert names == ["A%2F1/2", "A/1/2", "A/2"]


def test_direction_share_and_margins_come_from_the_rows(write: Write) -> None:
    path = write(
        f"{HEAD},better,margin\nA,1,p,error,9,2,lower,0.5\nA,2,p,error,1,2,,\nA,1,p,hit,1,2,,\n"
    )
    found = read_statistics(path, path)
    assert [(m.name, m.higher_is_better, m.share) for m in found.metrics] == [
        ("error", False, False),
        ("hit", True, True),
    ]
    assert found.margins == {("p", "error"): 0.5}


def test_a_margin_that_no_loss_exceeds_is_told(write: Write) -> None:
    path = write(f"{HEAD},margin\nA,1,p,error,9,2,3\nA,1,p,hit,1,2,1\nA,1,q,hit,1,2,0.5\n")
    (note,) = read_statistics(path, path).notes
    assert (note.kind, note.count, note.examples) == ("margins-too-large", 1, ("p hit",))


def test_what_one_file_alone_has_is_counted(write: Write) -> None:
    ours = write(f"{HEAD}\nA,1,p,m,1,1\nA,2,p,m,1,1\nA,3,p,m,1,1\nA,1,old,m,1,1\n")
    theirs = write(f"{HEAD}\nA,1,p,m,1,1\nA,2,p,m,1,1\nA,1,new,m,1,1\nB,9,p,m,1,1\n", "b.csv")
    alone = read_statistics(ours, theirs).one_sided
    assert alone.items == 4
    assert alone.of == {"deployed": 1, "candidate": 1}
    assert alone.examples == {"deployed": ("A/3",), "candidate": ("B/9",)}
    assert alone.predictions == {"deployed": ("old m",), "candidate": ("new m",)}
    assert alone.share == 0.5


def test_an_attribute_that_differs_is_no_slice(write: Write) -> None:
    ours = write(f"{HEAD},network,city,size\nA,1,p,m,1,1,v1,Ulm,3\n")
    theirs = write(f"{HEAD},network,city,size\nA,1,p,m,1,1,v2,Ulm,4\n", "b.csv")
    found = read_statistics(ours, theirs)
    assert found.frames.attributes.column_names == ["city"]
    assert [(note.kind, note.count) for note in found.notes] == [("attribute-contradicts", 1)]
    with pytest.raises(RidealongError, match="network of item 1 of drive A is both 'v1' and 'v2'"):
        read_statistics(ours, theirs, ["network"])


GOOD = f"{HEAD}\n" + "".join(f"d,{number},p,m,1,2\n" for number in range(9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (f"{HEAD}\n", "the file has no rows"),
        ("drive,item,prediction,numerator,denominator\n", "the column 'metric' is missing"),
        ("drive,item,prediction,metric,numerator\na,b,c,d,1\n", "'denominator' is missing"),
        (f"{HEAD},value\na,b,c,d,1,2,3\n", "leave one of them out"),
        (f"{HEAD},drive\na,b,c,d,1,2,3\n", "two columns have the name 'drive'"),
        (GOOD + "d,x,p,m,abc,3\n", "row 10: numerator is 'abc'; expected a number"),
        (GOOD + "d,x,p,m,,3\n", "row 10: numerator is empty"),
        (GOOD + "d,x,p,m,1_0,3\n", "row 10: numerator is '1_0'"),
        (GOOD + "d,x,p,m,True,3\n", "row 10: numerator is 'True'"),
        (GOOD + "d,x,p,m,NaN,3\n", "row 10: numerator is nan"),
        (GOOD + "d,x,p,m,1,1e400\n", "row 10: denominator is inf"),
        (GOOD + "d,x,p,m,-1,3\n", "row 10: numerator is -1"),
        (GOOD + "d,x,p,m,1e300,3\n", r"row 10: numerator is 1e\+300"),
        (GOOD + ",x,p,m,1,3\n", "row 10: drive is empty"),
        (GOOD + "d,3,p,m,1,3\n", "row 10: m of p on item 3 of drive d is also in row 4"),
        (GOOD + "d,x,p,m,1\n", "Expected Number of Columns: 6 Found: 5"),
        (f"{HEAD},better\na,b,c,d,1,2,up\n", "row 1: better is 'up'; expected higher or lower"),
        (f"{HEAD},margin\na,b,c,d,1,2,inf\n", "row 1: margin is inf; expected a number above 0"),
        (f"{HEAD},margin\na,b,c,d,1,2,big\n", "row 1: margin is 'big'"),
        (f"{HEAD},margin\na,b,c,d,1,2,0\n", "row 1: margin is 0"),
        (
            f"{HEAD},better\na,b,c,d,1,2,higher\na,e,c,d,1,2,lower\n",
            "row 2: better of d is lower, and higher in .*, row 1",
        ),
        (f"{HEAD},margin\na,b,c,d,1,2,0.1\na,e,c,d,1,2,0.2\n", "margin of d c is 0.2, and 0.1 in"),
        ("drive;item;prediction;metric;value\na;b;c;d;0,5\n", "row 1: value is '0,5'"),
        (GOOD.encode("utf-16"), "save it as UTF-8"),
        (GOOD.encode() + b"d,\xe9,p,m,1,3\n", "not utf-8"),
        (b"PAR1 and no more", "cannot be read"),
        ("[1, 2, 3]", "looks like JSON; expected Parquet, or CSV in UTF-8"),
        ("3", "the column 'drive' is missing"),
    ],
)
def test_bad_files_are_refused_in_one_line(write: Write, text: str | bytes, message: str) -> None:
    bad, good = write(text), write(GOOD, "good.csv")
    with pytest.raises(RidealongError, match=message) as caught:
        read_statistics(bad, good)
    assert "\n" not in str(caught.value)
    assert str(bad) in str(caught.value)


@pytest.mark.parametrize(("kind", "value"), [(pa.string(), "1"), (pa.list_(pa.int64()), [1])])
def test_parquet_columns_must_have_a_fitting_type(
    tmp_path: Path, kind: pa.DataType, value: object
) -> None:
    names = {key: ["x"] for key in ("drive", "item", "prediction", "metric")}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({**names, "value": pa.array([value], kind)}), path)
    if pa.types.is_string(kind):
        assert sums(read_statistics(path, path)) == [("x", "x", "x", 1, 1, 1, 1)]
    else:
        with pytest.raises(RidealongError, match="the column 'value' has values of type BIGINT"):
            read_statistics(path, path)


@pytest.mark.parametrize(
    ("column", "value", "is_said"),
    [("margin", "5", "margin of d c is 5"), ("better", "lower", "better of d is lower")],
)
def test_a_candidate_does_not_choose_what_it_is_judged_by(
    write: Write, column: str, value: str, is_said: str
) -> None:
    plain = write(f"{HEAD}\na,b,c,d,1,2\n", "plain.csv")
    own = write(f"{HEAD},{column}\na,b,c,d,1,2,{value}\n", "own.csv")
    with pytest.raises(RidealongError, match=f"row 1: {is_said}, and .*plain.csv gives none"):
        read_statistics(plain, own)
    assert read_statistics(own, plain)  # the deployed network's counts for both
