"""3D poses as random cameras see them, from which a lifter learns what depth goes with which places."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from wildpose.data.batches import CROP_SCALE
from wildpose.models.places import PELVIS, Marked
from wildpose.skeleton import MPII16

THORAX = MPII16.index("thorax")
TURN_RAD = math.pi
"""Of a person about the vertical, at most."""
TILT_RAD, ROLL_RAD, MOST_ROLL_RAD = 0.17, 0.6, 1.2
"""Of the camera: more than people hold it by, for training pictures are turned, too."""
NEAR_MM, FAR_MM, NEAREST_MM = 2300.0, 9000.0, 500.0
"""Between which the pelvis is, and nearer than which no joint is taken to be."""
ZOOM = 0.25
"""Deviation of the crop's size, octaves; as in the augmentation of pictures."""
LABEL_NOISE = 0.04
"""Largest deviation of a person's labels, half crop sides."""
SPARSE_SHARE, MOST_MISSING, THORAX_SHARE = 0.4, 0.5, 0.3
"""People who lack labels, how many at most, and how many have one of the thorax, which most photo sets don't know."""


@dataclass(frozen=True)
class Views:
    """B poses in crops, relative to the pelvis in half crop sides; NaN where a joint isn't known."""

    places: Float[Tensor, "B P 2"]
    depth: Float[Tensor, "B P"]


def random_views(poses_mm: Float[Tensor, "B P 3"], random: torch.Generator) -> Views:
    """Poses of any camera (+x right, +y down, +z away; NaN where a joint isn't known), mirrored or not, turned about
    the vertical, before a camera that is tilted, rolled and NEAR_MM to FAR_MM away. Depth as geometry.depth_in_crop
    has it."""
    count = len(poses_mm)

    def uniform(low: float, high: float) -> Float[Tensor, " B"]:
        return torch.rand(count, generator=random) * (high - low) + low

    def normal(deviation: float, most: float = math.inf) -> Float[Tensor, " B"]:
        return (torch.randn(count, generator=random) * deviation).clamp(-most, most)

    flip, mirror = uniform(0.0, 1.0) < 0.5, list(MPII16.mirror)
    poses = torch.where(flip[:, None, None], poses_mm[:, mirror] * torch.tensor([-1.0, 1.0, 1.0]), poses_mm)
    poses = poses - poses[:, PELVIS : PELVIS + 1]
    known = poses.isfinite().all(-1)
    heading, tilt, roll = uniform(-TURN_RAD, TURN_RAD), normal(TILT_RAD), normal(ROLL_RAD, MOST_ROLL_RAD)
    turn = rotation(heading, 2, 0) @ rotation(tilt, 1, 2) @ rotation(roll, 0, 1)
    poses = torch.where(known[..., None], poses, 0) @ turn

    away = torch.exp(uniform(math.log(NEAR_MM), math.log(FAR_MM)))
    image = poses[..., :2] / (away[:, None] + poses[..., 2]).clamp_min(NEAREST_MM)[..., None]
    extent = _most(image, known) + _most(-image, known)
    half_side = extent.amax(-1) * CROP_SCALE * 2.0 ** normal(ZOOM, 2 * ZOOM) / 2
    places = (image - image[:, PELVIS : PELVIS + 1]) / half_side[:, None, None]
    depth = poses[..., 2] * (weak_perspective(poses[..., :2], image, known) / half_side)[:, None]
    return Views(torch.where(known[..., None], places, math.nan), torch.where(known, depth, math.nan))


def rotation(angle_rad: Float[Tensor, " B"], first: int, second: int) -> Float[Tensor, "B 3 3"]:
    """Matrices that turn one axis towards another."""
    turn = torch.eye(3).repeat(len(angle_rad), 1, 1)
    turn[:, first, first] = turn[:, second, second] = angle_rad.cos()
    turn[:, second, first] = angle_rad.sin()
    turn[:, first, second] = -angle_rad.sin()
    return turn


def _most(image: Float[Tensor, "B P 2"], known: Bool[Tensor, "B P"]) -> Float[Tensor, "B 2"]:
    return torch.where(known[..., None], image, -math.inf).amax(1)


def weak_perspective(
    flat: Float[Tensor, "B P 2"], image: Float[Tensor, "B P 2"], known: Bool[Tensor, "B P"]
) -> Float[Tensor, " B"]:
    """geometry.weak_perspective_scale of many people at once: what brings scale x flat nearest to the image, both about
    their means."""
    a, b = (Marked(points, known).centred() for points in (flat, image))
    return (a * b).sum((1, 2)) / (a * a).sum((1, 2))


def as_labelled(views: Views, random: torch.Generator) -> Marked:
    """Places as people mark them in photos: not quite there, and some not at all."""
    places, known = views.places, views.places.isfinite().all(-1)
    count = len(places)

    def share() -> Float[Tensor, "B 1"]:
        return torch.rand(count, 1, generator=random)

    noise = torch.randn(places.shape, generator=random) * (share() * LABEL_NOISE)[..., None]
    missing = torch.where(share() < SPARSE_SHARE, share() * MOST_MISSING, 0.0)
    kept = torch.rand(known.shape, generator=random) >= missing
    kept[:, THORAX] &= share()[:, 0] < THORAX_SHARE
    return Marked(places + noise, known & kept)
