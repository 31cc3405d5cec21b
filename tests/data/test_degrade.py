"""Poor cameras: each damage does what it says, and nothing else."""

import numpy as np
import pytest

from wildpose.config import AugmentConfig, ModelConfig
from wildpose.data.batches import Batches
from wildpose.data.degrade import (
    COARSEST,
    DAMAGES,
    EACH,
    NOISIEST,
    add_noise,
    coarsen,
    compress,
    darken,
    degrade,
    move,
)
from wildpose.data.sample import Sample

RNG = np.random.default_rng(0)
GREY = np.full((64, 96, 3), 128, np.uint8)


def seeds(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(n)]


@pytest.mark.parametrize("damage", DAMAGES)
def test_shape_type_and_the_picture_given_stay(damage):
    image = RNG.integers(0, 256, (64, 96, 3), dtype=np.uint8)
    kept = image.copy()
    for rng in seeds(5):
        damaged = damage(image, rng)
        assert damaged.shape == image.shape and damaged.dtype == np.uint8 and damaged.flags.c_contiguous
        assert np.array_equal(image, kept)
    again = [damage(image, np.random.default_rng(1)) for _ in range(2)]
    assert np.array_equal(*again), "a resumed run must see the same"


@pytest.mark.parametrize("damage", [move, darken, coarsen, compress])
def test_a_plain_picture_stays_plain(damage):
    for rng in seeds(5):
        damaged = damage(GREY, rng)
        assert np.abs(damaged.astype(int) - damaged[0, 0]).max() <= 1
        assert damage is darken or np.abs(damaged.astype(int) - 128).max() <= 1


def test_movement_smears_a_point_along_a_line_and_keeps_where_it_is():
    image = np.zeros((81, 81, 3), np.uint8)
    image[40, 40] = 255
    for rng in seeds(20):
        y, x = np.nonzero(move(image, rng)[..., 0])
        assert abs(y.mean() - 40) < 0.6 and abs(x.mean() - 40) < 0.6
        reach = np.hypot(y - 40, x - 40)
        assert reach.max() <= 0.08 * 81 / 2 + 1
        spread = np.linalg.eigvalsh(np.cov(np.stack([y, x]))) if len(y) > 3 else np.zeros(2)
        assert spread[0] < 0.6, "across the line it stays sharp"


def test_light_keeps_black_white_and_the_order_of_greys():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    means = []
    for rng in seeds(40):
        damaged = darken(ramp, rng)[0, :, 0].astype(int)
        assert damaged[0] == 0 and damaged[-1] == 255 and (np.diff(damaged) >= 0).all()
        means.append(damaged.mean())
    assert min(means) < 100 and max(means) > 155


def test_a_coarse_picture_has_no_detail_but_the_same_mean():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    contrasts = []
    for rng in seeds(40):
        damaged = coarsen(stripes, rng).astype(float)
        assert abs(damaged.mean() - 100) < 12
        contrasts.append(damaged[..., 0].std())
    assert min(contrasts) < 25 and max(contrasts) > 60 and COARSEST == 4.0


def test_noise_is_centred_and_as_strong_as_it_says():
    spreads, grey = [], 0
    for rng in seeds(60):
        off = add_noise(GREY, rng).astype(float) - 128
        assert abs(off.mean()) < 1
        spreads.append(off.std())
        grey += np.array_equal(off[..., 0], off[..., 2])
    assert max(spreads) <= NOISIEST * 1.05 and max(spreads) > 0.9 * NOISIEST and min(spreads) < 3
    assert 15 < grey < 45


def test_jpeg_keeps_colours_in_their_places():
    image = np.zeros((64, 64, 3), np.uint8)
    image[..., 0], image[..., 2] = 220, 30
    damaged = compress(image, np.random.default_rng(0))
    assert np.abs(damaged.astype(int) - image).max() < 12


def test_every_damage_is_drawn_by_itself_and_they_come_in_order(monkeypatch):
    done: list[list[int]] = []
    recorded = tuple(lambda image, rng, k=k: done[-1].append(k) or image for k in range(5))
    monkeypatch.setattr("wildpose.data.degrade.DAMAGES", recorded)
    for rng in seeds(2000):
        done.append([])
        degrade(GREY, rng)
    for k in range(len(DAMAGES)):
        assert abs(np.mean([k in each for each in done]) - EACH) < 0.03
    assert abs(np.mean([not each for each in done]) - (1 - EACH) ** 5) < 0.02
    assert all(each == sorted(each) for each in done)


class One:
    def __len__(self):
        return 1

    def load(self, i):
        image = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        return Sample(image, np.full((16, 2), 30.0, np.float32), np.ones(16, bool), np.float32([0, 0, 64, 64]))


def test_of_a_batch_the_share_is_damaged_that_is_set():
    """Same seeds with and without: the crop, its colours and its labels are the same, the damage comes on top."""
    plain, poor, half = (
        Batches(One(), None, 200, 0, ModelConfig(input_px=64), AugmentConfig(degrade_share=share), (0, 0))[0]
        for share in (0.0, 1.0, 0.5)
    )
    for batch in (poor, half):
        assert np.array_equal(batch.heatmaps, plain.heatmaps)
    same = [(batch.crops_rgb == plain.crops_rgb).flatten(1).all(1).float().mean() for batch in (poor, half)]
    assert same[0] < 0.15 and abs(same[1] - (0.5 + 0.5 * same[0])) < 0.1
