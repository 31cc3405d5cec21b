"""Equation (1), by hand, by derivative, and by its invariance."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wildpose.models.descriptor import geometric_descriptor


def test_two_joints_by_hand():
    joints = torch.tensor([[[1.0, 2.0, 3.0], [4.0, -2.0, 3.5]]])
    d = geometric_descriptor(joints)[0]
    assert d.shape == (6, 2, 2)
    assert d[:, 0, 1].tolist() == [-3.0, 4.0, -0.5, 9.0, 16.0, 0.25]
    assert d[:, 1, 0].tolist() == [3.0, -4.0, 0.5, 9.0, 16.0, 0.25]
    assert d[:, 0, 0].tolist() == [0.0] * 6


def test_against_loops():
    torch.manual_seed(0)
    joints = torch.randn(2, 5, 3, dtype=torch.float64)
    d = geometric_descriptor(joints)
    for b in range(2):
        for i in range(5):
            for j in range(5):
                delta = joints[b, i] - joints[b, j]
                expected = torch.cat([delta, delta * delta])
                assert torch.allclose(d[b, :, i, j], expected)


def test_gradients_also_where_joints_coincide():
    torch.manual_seed(0)
    joints = torch.randn(2, 4, 3, dtype=torch.float64)
    joints[0, 1] = joints[0, 2]
    joints[1] = 0.0
    joints.requires_grad_(True)
    assert torch.autograd.gradcheck(geometric_descriptor, joints)
    assert torch.autograd.gradgradcheck(geometric_descriptor, joints)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.integers(0, 1000))
def test_translation_changes_nothing(shift, seed):
    joints = torch.randn(1, 16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    moved = joints + torch.tensor(shift, dtype=torch.float64)
    torch.testing.assert_close(geometric_descriptor(moved), geometric_descriptor(joints), rtol=0, atol=1e-10)


def test_scale_does_change_it_and_bfloat16_is_widened():
    joints = torch.randn(1, 16, 3, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(geometric_descriptor(2 * joints), geometric_descriptor(joints))
    assert geometric_descriptor(joints.bfloat16()).dtype == torch.float32
