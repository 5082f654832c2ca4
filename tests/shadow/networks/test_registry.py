import pytest

from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.networks.opening import open_network
from shadow.networks.registry import (
    add_network,
    find_network,
    list_networks,
    shipped_manifests,
)


@pytest.fixture
def lake(home):
    return Lake.create(home)


def test_a_network_is_kept_with_its_weights(lake, write_network):
    path = write_network()
    entry = add_network(lake, path)
    assert entry.network == "tiny-1" and entry.parameters > 1000
    assert entry == find_network(lake.snapshot(), "tiny-1")
    kept = lake.path(entry.blob)
    assert kept.read_bytes() == (path.parent / "weights.safetensors").read_bytes()
    assert open_network(entry.manifest, kept).manifest == entry.manifest
    assert lake.check().sound


def test_adding_again_changes_nothing(lake, write_network):
    first = add_network(lake, write_network())
    commits = lake.snapshot().commits().num_rows
    assert add_network(lake, write_network(folder="copy")) == first
    assert lake.snapshot().commits().num_rows == commits
    assert [entry.network for entry in list_networks(lake.snapshot())] == ["tiny-1"]


def test_the_same_id_for_another_network(lake, write_network):
    add_network(lake, write_network())
    other = write_network(seed=2, folder="other")
    with pytest.raises(RidealongError) as caught:
        add_network(lake, other)
    assert str(caught.value) == (
        f"{other}: tiny-1 is registered already, with another manifest or other weights; give the"
        " manifest a new version: scores are kept by network and never mixed"
    )


def test_a_network_that_cannot_be_loaded_leaves_no_trace(lake, write_network):
    path = write_network()
    (path.parent / "weights.safetensors").write_bytes(b"\x80\x04 no")
    before = lake.snapshot().commits().num_rows
    with pytest.raises(RidealongError, match="sha256"):
        add_network(lake, path)
    assert lake.snapshot().commits().num_rows == before
    assert list_networks(lake.snapshot()) == []


def test_the_shipped_networks_are_registered_by_name(lake):
    for path in shipped_manifests():
        add_network(lake, path)
    assert [e.network for e in list_networks(lake.snapshot())] == ["hydra-1.0", "hydra-1.1"]


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        pytest.param(True, "did you mean 'tiny-1'?", id="nearest"),
        pytest.param(False, "none is registered yet", id="none"),
    ],
)
def test_an_unknown_network(lake, write_network, known, hint):
    if known:
        add_network(lake, write_network())
    with pytest.raises(RidealongError) as caught:
        find_network(lake.snapshot(), "tiny-2")
    assert str(caught.value) == f"unknown network 'tiny-2'; {hint}; see `networks list`"
