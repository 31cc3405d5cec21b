"""Poses in camera axes, against people placed before a known camera and what a network that sees crops would say."""

from dataclasses import replace

import numpy as np
import pytest

from wildpose.bench.smoothing import FIGURE_MM
from wildpose.geometry import bone_length_sum
from wildpose.predict import perspective
from wildpose.predict.crops import LEGACY_BONES
from wildpose.predict.perspective import direction, in_camera_axes, turned
from wildpose.predict.placement import Camera
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D

CAMERA = Camera(1200.0, 1200.0, 959.5, 539.5)
PELVIS = MPII16.index("pelvis")


def turn(axis: int, radians: float) -> np.ndarray:
    c, s = np.cos(radians), np.sin(radians)
    a, b = [i for i in range(3) if i != axis]
    matrix = np.eye(3)
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = c, -s, s, c
    return matrix


def someone(rng: np.random.Generator) -> np.ndarray:
    """A figure with its limbs moved, turned and bent forward, relative to the pelvis, mm."""
    figure = np.array([FIGURE_MM[name] for name in MPII16.joints], np.float64)
    moved = figure + rng.normal(0, 120, figure.shape) * (np.arange(16) != PELVIS)[:, None]
    return moved @ (turn(1, rng.uniform(-3, 3)) @ turn(0, rng.uniform(-0.8, 0.8))).T


def as_a_network_sees(truth_cam: np.ndarray, camera: Camera) -> tuple[Pose3D, tuple[float, float]]:
    """The pose that a perfect network says of a crop: x and y from the picture, depth along the ray to its middle."""
    px = truth_cam[:, :2] / truth_cam[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    middle = tuple(((px.min(0) + px.max(0)) / 2).tolist())
    way = np.array([(middle[0] - camera.cx) / camera.fx, (middle[1] - camera.cy) / camera.fy, 1.0])
    forward = way / np.linalg.norm(way)
    aim = turned(*direction(camera, middle))
    np.testing.assert_allclose(aim[:, 2], forward, atol=1e-12)
    local = truth_cam @ aim
    seen = local[:, :2] / local[:, 2:] * local[PELVIS, 2]
    mm = np.concatenate([seen, local[:, 2:]], 1)
    mm -= mm[PELVIS]
    size = bone_length_sum(truth_cam, LEGACY_BONES) / bone_length_sum(mm, LEGACY_BONES)
    pose = Pose3D(
        px.astype(np.float32), (mm * size).astype(np.float32), np.ones(16, np.float32), np.zeros(4, np.float32), 1.0
    )
    return pose, middle


def error_mm(found: np.ndarray, truth_cam: np.ndarray) -> float:
    truth = truth_cam - truth_cam[PELVIS]
    found = found * bone_length_sum(truth, LEGACY_BONES) / bone_length_sum(found, LEGACY_BONES)
    return float(np.linalg.norm(found - truth, axis=1).mean())


def people(count: int = 60, z_m: tuple[float, float] = (2.5, 6.0)):
    rng = np.random.default_rng(0)
    for _ in range(count):
        place = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.35, 0.35), 1.0]) * rng.uniform(*z_m) * 1000
        yield someone(rng) + place


@pytest.fixture
def all_of_pitch(monkeypatch):
    """As if networks saw whether people are looked down at."""
    monkeypatch.setattr(perspective, "PITCH", 1.0)


def test_who_knows_the_camera_reads_the_pose_nearly_without_error(all_of_pitch):
    plain, known, guessed, wrong = [], [], [], []
    for truth in people():
        pose, middle = as_a_network_sees(truth, CAMERA)
        plain.append(error_mm(pose.joints_mm, truth))
        known.append(error_mm(in_camera_axes(pose, middle, CAMERA), truth))
        guessed.append(error_mm(in_camera_axes(pose, middle, replace(CAMERA, source="assumed")), truth))
        off = replace(CAMERA, fx=1.4 * CAMERA.fx, fy=1.4 * CAMERA.fy)
        wrong.append(error_mm(in_camera_axes(pose, middle, off), truth))
    assert np.mean(plain) > 100
    assert np.mean(known) < 5
    assert np.mean(guessed) < 30
    assert np.mean(wrong) < 0.5 * np.mean(plain)


def test_far_away_and_in_the_middle_nothing_changes():
    (truth,) = people(1)
    truth = truth - truth[PELVIS] + (0, 0, 300_000)
    pose, middle = as_a_network_sees(truth, CAMERA)
    assert np.abs(in_camera_axes(pose, middle, CAMERA) - pose.joints_mm).max() < 4


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_upright_people_below_the_middle_of_a_level_camera_stand_upright(share, monkeypatch):
    """What they seem to lean comes from the camera looking down at them; a share of it is taken away."""
    monkeypatch.setattr(perspective, "PITCH", share)
    figure = np.array([FIGURE_MM[name] for name in MPII16.joints], np.float64)
    truth = figure + (300, 1500, 4000)
    pose, middle = as_a_network_sees(truth, CAMERA)
    spine = [MPII16.index("pelvis"), MPII16.index("head_top")]

    def lean_deg(joints: np.ndarray) -> float:
        x, y, z = joints[spine[1]] - joints[spine[0]]
        return float(np.degrees(np.arctan2(np.hypot(x, z), -y)))

    assert lean_deg(pose.joints_mm) > 15
    _, pitch = direction(CAMERA, middle)
    assert lean_deg(in_camera_axes(pose, middle, CAMERA)) == pytest.approx((1 - share) * np.degrees(pitch), abs=1)


def test_a_mirrored_picture_gives_the_mirrored_pose():
    for truth in people(5):
        pose, (x, y) = as_a_network_sees(truth, CAMERA)
        flipped = np.array([2 * CAMERA.cx, 0]) + pose.joints_px[:, :] * (-1, 1)
        mirrored = replace(
            pose,
            joints_px=flipped[MPII16.mirror].astype(np.float32),
            joints_mm=(pose.joints_mm * np.float32([-1, 1, 1]))[MPII16.mirror],
        )
        there = in_camera_axes(pose, (x, y), CAMERA)
        back = in_camera_axes(mirrored, (2 * CAMERA.cx - x, y), CAMERA)
        np.testing.assert_allclose(back[MPII16.mirror] * (-1, 1, 1), there, atol=0.1)


@pytest.mark.parametrize("source", ["given", "assumed"])
def test_nonsense_stays_finite(source):
    """A joint at a thousand half sides, a person as deep as they are far away, a crop at the picture's corner."""
    rng = np.random.default_rng(0)
    for scale in (1.0, 100.0):
        pose = Pose3D(
            rng.uniform(-3000, 5000, (16, 2)).astype(np.float32),
            (rng.normal(0, 2000, (16, 3)) * scale).astype(np.float32),
            np.zeros(16, np.float32),
            np.zeros(4, np.float32),
            0.0,
        )
        assert np.isfinite(in_camera_axes(pose, (-2000.0, 3000.0), replace(CAMERA, source=source))).all()
