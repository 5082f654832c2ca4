import json
import re

import pytest
import yaml

from metrics.tasks.registry import parse_prediction
from ridealong.errors import RidealongError
from shadow.networks.hydranet.config import HydraNetCamera, HydraNetConfig, possible_predictions
from shadow.networks.hydranet.manifest import HydraNetManifest
from shadow.networks.opening import load_manifest


@pytest.fixture
def refusal(tmp_path, manifest_document):
    """The message with which a manifest with these changes is refused."""

    def refuse(**changes):
        path = tmp_path / "manifest.yaml"
        document = manifest_document() | changes
        document = {key: value for key, value in document.items() if value is not None}
        path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        with pytest.raises(RidealongError) as caught:
            load_manifest(path)
        message = str(caught.value)
        assert "\n" not in message and message.startswith(str(path))
        return re.sub(r"^:\d+", "", message.removeprefix(str(path)))

    return refuse


def test_a_manifest_is_read(tmp_path, manifest_document, tiny):
    path = tmp_path / "manifest.yaml"
    path.write_text(yaml.safe_dump(manifest_document(thresholds={"depth@main": 0.3})), "utf-8")
    manifest = load_manifest(path)
    assert manifest.id == "tiny-1"
    assert manifest.config == tiny
    assert (
        manifest.inputs.cameras == (HydraNetCamera.MAIN, HydraNetCamera.REAR)
        and not manifest.inputs.recurrent
    )
    assert manifest.threshold("depth@main") == 0.3 and manifest.threshold("bev/road") == 0.5


def test_everything_that_a_network_can_say_is_a_prediction():
    for name in possible_predictions(HydraNetConfig(), HydraNetCamera):
        assert str(parse_prediction(name)) == name


NO_OUTPUT = "is not an output of hydranet with this config and these cameras"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"predictions": ["objects/car@main", "depth@narrow"]},
            f": the prediction 'depth@narrow' {NO_OUTPUT}; did you mean 'depth@rear'?",
            id="a camera it lacks",
        ),
        pytest.param(
            {"config": {"bev": False}, "predictions": ["bev/road"]},
            f": the prediction 'bev/road' {NO_OUTPUT}; known: ",
            id="a head it lacks",
        ),
        pytest.param(
            {"config": {"bev_layers": ["vehicle"]}, "predictions": ["bev/road"]},
            f": the prediction 'bev/road' {NO_OUTPUT}; ",
            id="a layer it lacks",
        ),
        pytest.param(
            {"predictions": ["objects/cat@main"]},
            ": predictions: prediction 'objects/cat@main': unknown category 'cat';"
            " did you mean 'car'?",
            id="no prediction at all",
        ),
        pytest.param(
            {"predictions": ["depth@main", "depth@main"]},
            ": predictions: 'depth@main' is listed twice",
            id="twice",
        ),
        pytest.param(
            {"predictions": ["depth@main"], "thresholds": {"depth@rear": 0.5}},
            ": there is a threshold for 'depth@rear', which is not among the predictions;"
            " did you mean 'depth@main'?",
            id="a threshold for nothing",
        ),
        pytest.param(
            {"kind": "pickle"},
            ": kind: unknown kind of network 'pickle'; known: onnx, python, safetensors; other",
            id="a kind it cannot be",
        ),
        pytest.param({"artifact": None}, ": the key 'artifact' is missing", id="no artifact"),
        pytest.param(
            {"artifact": "../elsewhere.safetensors"},
            ": artifact: '../elsewhere.safetensors' is not the name of a file",
            id="an artifact elsewhere",
        ),
        pytest.param(
            {"version": 0.1}, ": version: 0.1 is a number; put it in quotes: '0.1'", id="0.1"
        ),
        pytest.param(
            {"licens": "MIT"}, ": unknown key 'licens'; did you mean 'licence'?", id="key"
        ),
        pytest.param(
            {"config": {"widths": [32, 40, 64, 64]}},
            ": config: width 40 is not a multiple of group_width 16",
            id="groups",
        ),
        pytest.param(
            {"config": {"widths": [32, 32, 32, 10**9]}},
            ": config.widths.3: Input should be less than or equal to 1024",
            id="a network that would fill the memory",
        ),
        pytest.param(
            {"inputs": {"cameras": ["main"], "height": 100, "width": 96, "rate_hz": 5.0}},
            ": inputs.height: Input should be a multiple of 32",
            id="a height that does not divide",
        ),
        pytest.param(
            {"inputs": {"cameras": ["front"], "height": 96, "width": 96, "rate_hz": 5.0}},
            ": inputs.cameras.0: Input should be 'narrow', 'main'",
            id="an unknown camera",
        ),
    ],
)
def test_what_is_refused(refusal, changes, message):
    assert refusal(**changes).startswith(message)


def test_whatever_changes_makes_another_network(manifest_document):
    first = HydraNetManifest.model_validate(manifest_document())
    again = HydraNetManifest.model_validate_json(first.as_json())
    assert again == first and again.network_sha256 == first.network_sha256
    for change in ({"sha256": "1" * 64}, {"thresholds": {"depth@main": 0.4}}):
        other = HydraNetManifest.model_validate(manifest_document() | change)
        assert other.network_sha256 != first.network_sha256


def test_the_schema_is_json():
    schema = json.loads(json.dumps(HydraNetManifest.model_json_schema()))
    assert {"name", "artifact", "predictions"} <= set(schema["required"])
    assert all("description" in field for field in schema["properties"].values())
