"""The lifter's symmetries, and that it starts from what it is given."""

import math

import pytest
import torch

from wildpose.models.lifter import Hint, Lifter
from wildpose.models.places import PELVIS, Marked, PlaceLifter, from_pelvis
from wildpose.skeleton import MPII16

MIRROR = list(MPII16.mirror)


@pytest.fixture
def people() -> tuple[Marked, Hint]:
    random = torch.Generator().manual_seed(0)
    known = torch.rand(5, 16, generator=random) < 0.8
    places = torch.where(known[..., None], torch.randn(5, 16, 2, generator=random), math.nan)
    return Marked(places, known), Hint(torch.randn(5, 16, generator=random), torch.rand(5, 16, generator=random))


def awake(lifter: torch.nn.Module) -> torch.nn.Module:
    """With last layers that aren't zero, as after training."""
    random = torch.Generator().manual_seed(1)
    for weight in lifter.parameters():
        weight.data += 0.1 * torch.randn(weight.shape, generator=random)
    return lifter.eval()


def test_the_mirrored_person_has_the_mirrored_depth(people):
    marked, hint = people
    lifter = awake(Lifter(32))
    torch.testing.assert_close(lifter(marked.mirrored(), hint.mirrored()), lifter(marked, hint)[:, MIRROR])
    places = lifter.by_places
    torch.testing.assert_close(places(marked.mirrored()), places(marked)[:, MIRROR])


def test_depth_by_places_grows_with_the_person_and_does_not_care_where_it_stands(people):
    marked, _ = people
    lifter = awake(PlaceLifter(32))
    there = Marked(3 * marked.places + torch.tensor([5.0, -2.0]), marked.known)
    torch.testing.assert_close(lifter(there), 3 * lifter(marked), rtol=1e-4, atol=1e-5)


def test_what_is_not_labelled_says_nothing(people):
    marked, hint = people
    lifter = awake(Lifter(32))
    absurd = Marked(torch.where(marked.known[..., None], marked.places, 1e6), marked.known)
    assert lifter(marked, hint).isfinite().all()
    assert torch.equal(lifter(absurd, hint), lifter(marked, hint))
    nobody = Marked(torch.full((1, 16, 2), math.nan), torch.zeros(1, 16, dtype=torch.bool))
    assert lifter(nobody, Hint(hint.depth[:1], hint.height[:1])).isfinite().all()


def test_it_starts_halfway_between_places_and_picture(people):
    marked, hint = people
    lifter = Lifter(32)
    expected = (lifter.by_places(marked) + from_pelvis(hint.depth)) / 2
    torch.testing.assert_close(lifter(marked, hint), expected)
    assert not lifter(marked, hint)[:, PELVIS].any()
