"""Clips that look alike have hashes that differ in few bits."""

import numpy as np
import pytest

from ingest.clips.likeness import BITS, NEAR_BITS, distance, image_hash


def scene(seed):
    """A smooth image, as pictures of streets are."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    return np.kron(small, np.ones((16, 20, 1), np.uint8))


@pytest.mark.parametrize("seed", range(5))
def test_brightness_and_noise_leave_the_hash_nearly_as_it_is(seed):
    image = scene(seed)
    noise = np.random.default_rng(seed + 100).normal(0, 2, image.shape)
    darker = np.clip(image * 0.8 + 5, 0, 255).astype(np.uint8)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert distance(image_hash(image), image_hash(image)) == 0
    assert distance(image_hash(image), image_hash(darker)) <= NEAR_BITS
    assert distance(image_hash(image), image_hash(noisy)) <= NEAR_BITS


def test_other_scenes_are_far():
    hashes = [image_hash(scene(seed)) for seed in range(8)]
    assert {len(one) * 4 for one in hashes} == {BITS}
    pairs = [distance(a, b) for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(pairs) > NEAR_BITS


def test_bits_are_counted_by_hand():
    rising = np.repeat(np.arange(0, 170, 10, dtype=np.uint8)[None, :, None], 16, axis=0)
    rising = np.repeat(rising, 3, axis=2)
    assert image_hash(rising) == "f" * 60 and image_hash(rising[:, ::-1]) == "0" * 60
    assert distance("f" * 60, "0" * 60) == BITS
