"""Random views against the geometry they stand for."""

import math

import numpy as np
import pytest
import torch

from wildpose.geometry import similarity_align, weak_perspective_scale
from wildpose.skeleton import MPII16
from wildpose.train import views as module
from wildpose.train.views import PELVIS, THORAX, Views, as_labelled, random_views, rotation, weak_perspective

MIRROR = list(MPII16.mirror)


@pytest.fixture
def poses() -> torch.Tensor:
    return 400 * torch.randn(64, 16, 3, generator=torch.Generator().manual_seed(0))


def random() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def misfit(found: torch.Tensor, poses: torch.Tensor) -> np.ndarray:
    """Largest distance after alignment, in the unit of the poses."""
    aligned = similarity_align(found.double().numpy(), poses.double().numpy())
    return np.linalg.norm(aligned - poses.numpy(), axis=-1).max(1)


def test_from_afar_places_and_depth_are_the_pose_itself_turned_or_mirrored(poses, monkeypatch):
    monkeypatch.setattr(module, "NEAR_MM", 1e8)
    monkeypatch.setattr(module, "FAR_MM", 1e8)
    views = random_views(poses, random())
    found = torch.cat([views.places, views.depth[..., None]], -1)
    as_it_is, mirrored = misfit(found, poses), misfit(found, poses[:, MIRROR] * torch.tensor([-1.0, 1, 1]))
    assert np.minimum(as_it_is, mirrored).max() < 2, "mm, of poses 1 m in size"
    assert 16 < (as_it_is < 2).sum() < 48, "about half are mirrored"


def test_from_near_what_is_nearer_is_larger(monkeypatch):
    """Two poles a metre long, one a metre before the pelvis and one as far behind it, the camera three metres away."""
    for name, value in {"NEAR_MM": 3000.0, "FAR_MM": 3000.0, "TURN_RAD": 0.0, "TILT_RAD": 0.0, "ROLL_RAD": 0.0}.items():
        monkeypatch.setattr(module, name, value)
    pose = torch.zeros(1, 16, 3)
    pose[0, 0], pose[0, 1] = torch.tensor([0.0, -500, -1000]), torch.tensor([0.0, 500, -1000])
    pose[0, 2], pose[0, 3] = torch.tensor([0.0, -500, 1000]), torch.tensor([0.0, 500, 1000])
    views = random_views(pose, random())
    length = (views.places[0, :, None] - views.places[0, None]).norm(dim=-1)
    pairs = sorted(
        float(length[i, j]) for i, j in [(0, 1), (2, 3), (MIRROR[0], MIRROR[1]), (MIRROR[2], MIRROR[3])] if length[i, j]
    )
    assert max(pairs) / min(pairs) == pytest.approx(2.0, rel=1e-4)  # at 2 m and at 4 m


def test_joints_that_are_not_known_stay_unknown(poses):
    poses[:, 9] = math.nan  # on the body's middle line: its own mirror image
    views = random_views(poses, random())
    assert MIRROR[9] == 9
    assert views.depth[:, 9].isnan().all() and views.places[:, 9].isnan().all()
    others = [j for j in range(16) if j != 9]
    assert views.depth[:, others].isfinite().all() and views.places[:, others].isfinite().all()
    assert not views.depth[:, PELVIS].any() and not views.places[:, PELVIS].any()


def test_the_scale_is_that_of_training_targets(poses):
    image = poses[..., :2] / (3000 + poses[..., 2:])
    known = torch.rand(64, 16, generator=random()) < 0.7
    hidden = torch.where(known[..., None], poses, math.nan).double().numpy()
    expected = weak_perspective_scale(hidden, image.double().numpy())
    np.testing.assert_allclose(weak_perspective(poses[..., :2], image, known).numpy(), expected, rtol=1e-4)


def test_a_rotation_turns_the_first_axis_to_the_second():
    turn = rotation(torch.tensor([math.pi / 2, 0.3]), 2, 0)
    torch.testing.assert_close(turn[0] @ torch.tensor([0.0, 0, 1]), torch.tensor([1.0, 0, 0]))
    torch.testing.assert_close(turn @ turn.mT, torch.eye(3).repeat(2, 1, 1))
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(2))


def test_labels_are_off_and_some_are_missing():
    n = 4000
    views = Views(torch.zeros(n, 16, 2), torch.zeros(n, 16))
    views.places[:, 3] = math.nan
    marked = as_labelled(views, random())
    others = [j for j in range(16) if j not in (3, THORAX)]
    assert not marked.known[:, 3].any()
    assert marked.known[:, THORAX].float().mean() == pytest.approx(0.3 * 0.9, abs=0.03)
    assert marked.known[:, others].float().mean() == pytest.approx(1 - 0.4 * 0.25, abs=0.02)
    # standard deviations uniform up to 0.04: the variance is a third of its square
    assert marked.places[:, others].std().item() == pytest.approx(0.04 / math.sqrt(3), rel=0.03)
