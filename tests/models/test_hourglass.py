"""The stacked hourglass against a straight transcription of Newell's recipe that shares its weights."""

import pytest
import torch
from torch.nn import functional as F

from wildpose.config import PRESETS, ModelConfig
from wildpose.models.generator import Generator
from wildpose.models.hourglass import Residual, StackedHourglass


def norm_relu(x, w, name):
    mean, var = w[name + ".running_mean"], w[name + ".running_var"]
    scale = w[name + ".weight"] / torch.sqrt(var + 1e-5)
    y = (x - mean[:, None, None]) * scale[:, None, None] + w[name + ".bias"][:, None, None]
    return torch.where(y > 0, y, torch.zeros_like(y))


def conv(x, w, name, **options):
    return F.conv2d(x, w[name + ".weight"], w[name + ".bias"], **options)


def residual(x, w, name):
    y = conv(norm_relu(x, w, name + ".bn1"), w, name + ".conv1")
    y = conv(norm_relu(y, w, name + ".bn2"), w, name + ".conv2", padding=1)
    y = conv(norm_relu(y, w, name + ".bn3"), w, name + ".conv3")
    return y + (conv(x, w, name + ".skip") if name + ".skip.weight" in w else x)


def pool(x):
    return torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0)


def hourglass(x, w, name, levels):
    up1 = residual(x, w, f"{name}.keep.0")
    low = residual(pool(x), w, f"{name}.down.0")
    low = hourglass(low, w, f"{name}.inner", levels - 1) if levels > 1 else residual(low, w, f"{name}.inner.0")
    low = residual(low, w, f"{name}.up.0")
    return up1 + low.repeat_interleave(2, -1).repeat_interleave(2, -2)


def transcription(image, w, stacks, levels):
    x = norm_relu(conv(image, w, "stem.0", stride=2, padding=3), w, "stem.1")
    x = pool(residual(x, w, "stem.3"))
    x = residual(residual(x, w, "stem.5"), w, "stem.6")
    heatmaps = []
    for s in range(stacks):
        name = f"stacks.{s}"
        y = residual(hourglass(x, w, name + ".hourglass", levels), w, name + ".after.0")
        y = norm_relu(conv(y, w, name + ".linear.0"), w, name + ".linear.1")
        heatmaps.append(conv(y, w, name + ".heatmaps"))
        x = x + conv(y, w, name + ".merge_features") + conv(heatmaps[-1], w, name + ".merge_heatmaps")
    return torch.stack(heatmaps, 1), x


def test_stacked_hourglass_is_its_transcription():
    torch.manual_seed(1)
    network = StackedHourglass(stacks=2, channels=16, blocks=1, levels=3, joints=5).double().eval()
    for name, buffer in network.named_buffers():  # statistics that are not 0 and 1, so that they count
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    weights = dict(network.state_dict())
    for ours, theirs in zip(network(image), transcription(image, weights, 2, 3), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("preset", "count"), [("full-2s", 7_288_240), ("full-4s", 13_576_144)])
def test_parameter_counts_of_the_paper(preset, count):
    assert sum(p.numel() for p in Generator(PRESETS[preset].model).parameters()) == count


def test_a_residual_of_256_has_214528_parameters():
    assert sum(p.numel() for p in Residual(256, 256).parameters()) == 214_528


@pytest.mark.parametrize("readout", ["average", "joint"])
def test_shapes_and_every_parameter_gets_a_gradient(readout):
    torch.manual_seed(0)
    config = ModelConfig(stacks=2, features=16, input_px=64, levels=3, depth_readout=readout)
    network = Generator(config)
    maps = network(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8))
    assert maps.heatmaps.shape == (2, 2, 16, 16, 16)
    assert maps.depth.shape == (2, 16)
    assert torch.equal(maps.depth, torch.zeros(2, 16)), "a fresh depth module says 0, not thousands"
    torch.nn.init.normal_(network.depth.fc.weight if readout == "average" else network.depth.maps.weight)
    maps = network(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8))
    (maps.heatmaps.square().sum() + maps.depth.square().sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_evaluation_does_not_depend_on_the_rest_of_the_batch():
    torch.manual_seed(0)
    network = Generator(ModelConfig(stacks=1, features=16, input_px=64, levels=2)).eval()
    crops = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8)
    together = network(crops).heatmaps
    alone = torch.cat([network(crops[i : i + 1]).heatmaps for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_joint_readout_reads_each_joint_where_its_heatmap_is():
    config = ModelConfig(stacks=1, features=16, input_px=64, levels=2, depth_readout="joint")
    depth = Generator(config).depth.eval()
    field = torch.arange(16.0).repeat(16, 1)  # a depth map that says its column
    depth.stages, depth.norm = torch.nn.Identity(), torch.nn.Identity()
    depth.maps = torch.nn.Conv2d(16, 16, 1, bias=False)
    torch.nn.init.constant_(depth.maps.weight, 1 / 16)
    heatmaps = torch.zeros(1, 16, 16, 16)
    columns = torch.arange(16)
    heatmaps[0, torch.arange(16), 5, columns] = 1000.0
    said = depth(field.expand(1, 16, 16, 16), heatmaps)
    torch.testing.assert_close(said[0], columns.float(), rtol=0, atol=1e-3)
