"""The refiner against maps whose peaks are known, and its invariances."""

import numpy as np
import pytest
import torch

from wildpose.codec import HeatmapCodec
from wildpose.config import ModelConfig
from wildpose.models.generator import Generator
from wildpose.models.refiner import PELVIS, PoseRefiner, see
from wildpose.skeleton import MPII16

CODEC = HeatmapCodec()
EVERY = np.ones(16, bool)
MIRROR = list(MPII16.mirror)


def drawn(seed: int, heights: float | np.ndarray = 0.7):
    """Joints (2, 16, 2) in crop px, their maps, and depth."""
    rng = np.random.default_rng(seed)
    joints = rng.uniform(16, 112, (2, 16, 2))
    maps = np.stack([CODEC.encode(person, EVERY) for person in joints]) * np.float32(heights)
    depth = rng.normal(scale=0.3, size=(2, 16)).astype(np.float32)
    return joints, torch.from_numpy(maps), torch.from_numpy(depth - depth[:, [PELVIS]])


def unruly(places_width: int = 0) -> PoseRefiner:
    """One that corrects everything by as much as the lifted pose itself."""
    torch.manual_seed(0)
    refiner = PoseRefiner(24, places_width)
    torch.nn.init.normal_(refiner.net[-1].weight, std=0.1)
    return refiner.requires_grad_(False)


def test_both_peaks_are_seen_where_they_were_drawn():
    joints, maps, depth = drawn(0)
    others = 127.0 - joints  # far from the first unless both are in the middle
    apart = np.abs(others - joints).max(-1) > 32
    second = np.stack([CODEC.encode(person, EVERY) for person in others])
    seen = see(torch.maximum(maps, 0.3 * torch.from_numpy(second)), depth)
    normalised = (2 * joints + 1) / 128 - 1
    assert np.abs(seen.first.numpy() - normalised)[apart].max() < 0.1 / 32 * 2, "a tenth of a heatmap px"
    assert np.abs(seen.second.numpy() - (2 * others + 1) / 128 + 1)[apart].max() < 0.1 / 32 * 2
    assert seen.height.numpy()[apart] == pytest.approx(0.7, rel=0.25), "the grid's highest value, not the Gaussian's"
    assert seen.second_height.numpy()[apart] == pytest.approx(0.3, rel=0.25)
    assert apart.sum() > 16


def test_one_peak_is_its_own_second_and_an_empty_map_is_finite():
    _, maps, depth = drawn(1)
    maps[0, 3] = 0
    seen = see(maps, depth)
    assert torch.equal(seen.second, seen.first)
    assert seen.first.isfinite().all() and seen.features().isfinite().all()
    assert seen.height[0, 3] == 0


def test_it_starts_as_the_lifted_pose():
    joints, maps, depth = drawn(2)
    lifted = CODEC.lift(joints, depth.numpy(), PELVIS)
    with torch.no_grad():
        assert np.abs(PoseRefiner(8)(maps, depth).numpy() - lifted).max() < 0.01


@pytest.mark.parametrize("places_width", [0, 16])
def test_the_mirrored_maps_give_the_mirrored_pose(places_width):
    _, maps, depth = drawn(3)
    refiner = unruly(places_width)
    there = refiner(maps, depth)
    back = refiner(maps.flip(-1)[:, MIRROR], depth[:, MIRROR])[:, MIRROR] * torch.tensor([-1.0, 1.0, 1.0])
    assert (there - PoseRefiner(8)(maps, depth)).abs().max() > 0.1, "it corrects"
    torch.testing.assert_close(there, back, rtol=0, atol=1e-5)
    assert torch.equal(there[:, PELVIS], torch.zeros(2, 3)), "poses are relative to the pelvis"


def test_joints_plain_to_see_stay_where_they_are_in_the_picture():
    joints = np.random.default_rng(4).integers(4, 28, (2, 16, 2)) * 4 + 1.5  # at grid points: the height is 1
    maps = torch.from_numpy(np.stack([CODEC.encode(person, EVERY) for person in joints]))
    depth = torch.zeros(2, 16)
    refined, plain = unruly()(maps, depth), PoseRefiner(8)(maps, depth)
    assert torch.equal(refined[..., :2], plain[..., :2])
    assert (refined[..., 2] - plain[..., 2]).abs().max() > 0.1


def test_it_asks_about_the_places_that_were_found():
    """What it knows of places is heard; a joint whose map is low isn't one of them, wherever its highest place is."""
    _, maps, depth = drawn(5)
    refiner = unruly(16)
    heard = refiner(maps, depth)
    maps[:, 4] *= 0.1  # as if not found
    elsewhere = maps.clone()
    elsewhere[:, 4] = maps[:, 4].flip(-1)
    told = []
    hook = refiner.places.register_forward_hook(lambda _module, given, out: told.append((given[0], out)))
    refiner(maps, depth), refiner(elsewhere, depth)
    hook.remove()
    (first, depth_by_first), (second, depth_by_second) = told
    assert first.known.sum(1).tolist() == [15, 15] and not first.known[:, 4].any()
    assert not torch.equal(first.places, second.places)
    assert torch.equal(depth_by_first, depth_by_second)
    for weight in refiner.places.parameters():
        weight += 0.5
    assert (refiner(maps, depth) - heard).abs().max() > 0.01


def test_a_generator_refines_when_it_predicts_and_not_while_its_maps_are_learnt():
    config = ModelConfig(stacks=1, features=16, input_px=64, levels=2, refiner_width=8)
    generator = Generator(config)
    crops = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert generator.train()(crops).pose is None
    with torch.no_grad():
        maps = generator.eval()(crops)
        torch.testing.assert_close(maps.pose, generator.refiner(maps.heatmaps[:, -1], maps.depth))
    assert Generator(ModelConfig(stacks=1, features=16, input_px=64, levels=2)).eval()(crops).pose is None
