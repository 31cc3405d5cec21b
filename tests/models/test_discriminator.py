"""The multi-source discriminator: its sources are switchable, and each of them reaches the score and the pose."""

import pytest
import torch

from wildpose.codec import HeatmapCodec
from wildpose.config import DiscriminatorConfig, ModelConfig
from wildpose.models.discriminator import Discriminator, Evidence, encode_evidence

MODEL = ModelConfig(input_px=64)
CODEC = HeatmapCodec(64, 16, 1.0)
SOURCES = [("image", "geometry", "maps"), ("image", "geometry"), ("image", "maps")]


def evidence(seed: int, requires_grad: bool = False) -> tuple[Evidence, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    heatmaps = torch.rand(2, 16, 16, 16, generator=g).requires_grad_(requires_grad)
    depth = torch.randn(2, 16, generator=g).requires_grad_(requires_grad)
    return encode_evidence(heatmaps, depth, CODEC), heatmaps, depth


def crops(seed: int) -> torch.Tensor:
    return torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sources", SOURCES)
def test_only_the_chosen_sources_change_the_score(sources):
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(sources=sources), MODEL)
    a, b = evidence(0)[0], evidence(1)[0]
    score = network(crops(0), a)
    assert score.shape == (2,)
    assert not torch.allclose(score, network(crops(1), a)), "the image is a source of all three"
    changed = {"geometry": Evidence(b.descriptor, a.maps), "maps": Evidence(a.descriptor, b.maps)}
    for source, other in changed.items():
        assert torch.allclose(score, network(crops(0), other)) == (source not in sources)


@pytest.mark.parametrize("sources", SOURCES)
def test_heatmaps_and_depth_get_gradients_through_every_source(sources):
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorConfig(sources=sources), MODEL)
    seen, heatmaps, depth = evidence(0, requires_grad=True)
    network(crops(0), seen).sum().backward()
    assert heatmaps.grad.abs().sum() > 0
    assert depth.grad.abs().sum() > 0


def test_three_fully_connected_layers_and_no_batch_norm():
    network = Discriminator(DiscriminatorConfig(), MODEL)
    assert sum(isinstance(m, torch.nn.Linear) for m in network.classify) == 3
    assert not any("Norm" in type(m).__name__ for m in network.modules())


def test_depth_maps_hold_the_depth_at_the_joint():
    joints = torch.tensor([[20.0, 30.0]] * 16).numpy()
    heatmaps = torch.from_numpy(CODEC.encode(joints, joints[:, 0] > 0))[None]
    depth = torch.linspace(-1, 1, 16)[None]
    maps = encode_evidence(heatmaps, depth, CODEC).maps[0]
    assert maps.shape == (32, 16, 16)
    at = heatmaps[0].flatten(1).argmax(1)
    peak = heatmaps[0].flatten(1).amax(1)
    torch.testing.assert_close(maps[16:].flatten(1)[torch.arange(16), at] / peak, depth[0])
