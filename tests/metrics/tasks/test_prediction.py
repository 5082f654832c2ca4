import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import families, parse_prediction
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Task
from ridealong.perception.cameras import ALL, LONGEST_NAME, PATTERN


@pytest.mark.parametrize("name", [own.example for own in families().values()])
def test_names_are_read_and_written_alike(name):
    assert str(parse_prediction(name)) == name


def test_parts():
    assert parse_prediction("lights/red@narrow") == Prediction(Task.LIGHTS, "red", "narrow")
    assert parse_prediction("depth@rear") == Prediction(Task.DEPTH, None, "rear")
    assert parse_prediction("bev/road") == Prediction(Task.BEV, "road", None)


@given(
    st.sampled_from([own for own in families().values() if own.categories]),
    st.from_regex(PATTERN, fullmatch=True).filter(lambda n: n != ALL and len(n) <= LONGEST_NAME),
    st.data(),
)
def test_every_combination_survives_the_round_trip(own, camera, data):
    category = data.draw(st.sampled_from(own.categories))
    prediction = Prediction(own.name, category, camera if own.has_camera else None)
    assert parse_prediction(str(prediction)) == prediction


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("object/car@main", "did you mean 'objects'"),
        ("objects/pedestrain@main", "did you mean 'pedestrian'"),
        (
            "objects/car@front left",
            "'front left' cannot be the name of a camera",
        ),
        ("objects/car@all", "cannot be the name of a camera"),
        ("bev/raod", "did you mean 'road'"),
        ("objects/car", "has no camera"),
        ("objects@main", "has no category"),
        ("depth/near@rear", "has a category"),
        ("bev/road@main", "has a camera"),
        ("", "not a prediction"),
        ("objects/car@main@rear", "not a prediction"),
        ("lights//red@main", "not a prediction"),
    ],
    ids=str,
)
def test_impossible_names_are_refused(name, message):
    with pytest.raises(RidealongError, match=message):
        parse_prediction(name)


@pytest.mark.parametrize("name", ["objects/car", "objects@main", "depth"])
def test_what_is_missing_comes_with_an_example(name):
    with pytest.raises(RidealongError, match="expected like '"):
        parse_prediction(name)
