"""Proof of truth on small sets generated here, from the files alone or beside the z-buffer their pictures came from."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

from wildpose.data.studio import StudioSet
from wildpose.skeleton import MPII16
from wildpose.studio import bodies
from wildpose.studio.dressing import PERSON, PROP
from wildpose.studio.generate import generate
from wildpose.studio.panoramas import PACK
from wildpose.studio.scene import load_panoramas
from wildpose.studio.shots import Shot, make_world, shoot

COUNT, SIZE, SEED = 18, 128, 11
AT = {name: i for i, name in enumerate(MPII16.joints)}
DEPTH_MM = np.array([bodies.JOINT_DEPTH_MM[name.removeprefix("left_").removeprefix("right_")] for name in AT])


@dataclass(frozen=True)
class Proof:
    """A set read from disk, and the same pictures rendered again with their z-buffers."""

    data: StudioSet
    shots: list[Shot]

    def at_joints(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Depth (mm; inf where there is nothing) and owner of the nearest surface at each joint of picture i."""
        truth = self.shots[i].truth
        sample = np.rint((self.data.joints_px[i].astype(float) + 0.5) * 2 - 0.5).astype(int).clip(0, 2 * SIZE - 1)
        nearness, owner = (of[sample[:, 1], sample[:, 0]] for of in (truth.nearness, truth.owner))
        return np.where(nearness > 0, 1000 / np.maximum(nearness, 1e-9), np.inf), owner


@pytest.fixture(scope="module", params=["studio", "outdoor"])
def proof(request, tmp_path_factory) -> Proof:
    kind = request.param
    folder = tmp_path_factory.mktemp("truth") / kind
    generate(kind, folder, COUNT, SEED, split="test", size_px=SIZE, progress=False)
    world = make_world(kind, "test", SEED, SIZE, [], load_panoramas(PACK) if kind == "outdoor" else [])
    return Proof(StudioSet(folder), [shoot(world, i) for i in range(COUNT)])


def test_the_files_hold_the_pictures_and_the_truth_that_were_rendered(proof):
    for i, shot in enumerate(proof.shots):
        np.testing.assert_allclose(proof.data.joints_px[i], shot.truth.joints_px, atol=1e-4)
        assert (proof.data.occluded[i] == shot.truth.occluded).all()
        error = np.abs(proof.data.image(i).astype(int) - shot.image.astype(int)).mean()
        assert error < 8  # but for JPEG; another picture differs by far more
        assert np.abs(proof.data.image(i - 1).astype(int) - shot.image.astype(int)).mean() > 2 * error


def test_3d_projects_onto_2d_within_a_twentieth_of_a_pixel(proof):
    seen = np.einsum("nab,njb->nja", proof.data.K, proof.data.joints_cam_mm.astype(float))
    assert np.abs(seen[..., :2] / seen[..., 2:] - proof.data.joints_px).max() < 0.05


def test_visible_joints_lie_inside_the_mask_of_the_body(proof):
    inside = []
    for i, shot in enumerate(proof.shots):
        mask = shot.truth.owner == PERSON
        visible = proof.data.in_image[i] & ~proof.data.occluded[i]
        sample = np.rint((proof.data.joints_px[i][visible].astype(float) + 0.5) * 2 - 0.5).astype(int)
        inside += mask[tuple(sample.clip(0, 2 * SIZE - 1)[:, ::-1].T)].tolist()
    assert len(inside) > 8 * COUNT
    assert np.mean(inside) >= 0.995


def flexion(joints: np.ndarray) -> np.ndarray:
    """Of every knee bent by over 30 degrees: does it bend about the axis to the person's left, as knees do?"""
    out = []
    to_left = joints[:, AT["left_hip"]] - joints[:, AT["right_hip"]]
    for side in ("left", "right"):
        hip, knee, ankle = (joints[:, AT[f"{side}_{joint}"]] for joint in ("hip", "knee", "ankle"))
        turn = np.cross(knee - hip, ankle - knee)
        sine = np.linalg.norm(turn, axis=1) / np.linalg.norm(knee - hip, axis=1) / np.linalg.norm(ankle - knee, axis=1)
        out.append(np.einsum("ni,ni->n", turn, to_left)[sine > 0.5] > 0)
    return np.concatenate(out)


def test_left_is_left_by_the_way_knees_bend(proof):
    """From 3D alone: backwards is known from how knees bend, up from the joints, so left is known as well."""
    joints = proof.data.joints_cam_mm.astype(float)
    right = flexion(joints)
    assert len(right) >= 6 and right.mean() > 0.9
    assert flexion(joints[:, MPII16.mirror]).mean() < 0.1  # names exchanged: this test would see it


def test_no_joint_lies_before_the_surface_that_is_seen_there(proof):
    """Joints lie within the body: the z-buffer's surface at a joint is never behind it, but at the very outline."""
    behind = []
    for i in range(COUNT):
        depth, owner = proof.at_joints(i)
        mine = proof.data.in_image[i] & (owner == PERSON)
        behind += (depth - proof.data.joints_cam_mm[i, :, 2])[mine].tolist()
    assert len(behind) > 8 * COUNT
    assert np.mean(np.array(behind) < 15) >= 0.995


def test_depth_order_of_joints_is_that_of_the_z_buffer(proof):
    """Of two visible joints more than the body's thickness apart, the nearer has the nearer surface."""
    agree = []
    for i in range(COUNT):
        depth, owner = proof.at_joints(i)
        z = proof.data.joints_cam_mm[i, :, 2]
        visible = np.flatnonzero(proof.data.in_image[i] & ~proof.data.occluded[i] & (owner == PERSON))
        far_apart = [(a, b) for a, b in combinations(visible, 2) if abs(z[a] - z[b]) > 280]
        agree += [(z[a] < z[b]) == (depth[a] < depth[b]) for a, b in far_apart]
    assert len(agree) > 2 * COUNT and all(agree)


def test_occlusion_flags_agree_with_the_z_buffer(proof):
    """Hidden: a thing stands before the joint, or the own surface lies nearer than the joint lies deep; else not."""
    hidden = {PERSON: 0, PROP: 0, -1: 0}
    for i in range(COUNT):
        depth, owner = proof.at_joints(i)
        for joint in np.flatnonzero(proof.data.in_image[i]):
            gap = proof.data.joints_cam_mm[i, joint, 2] - depth[joint]
            limit = {PERSON: DEPTH_MM[joint], PROP: 0.0, -1: np.inf}[int(owner[joint])]
            if abs(gap - limit) > 1:
                assert proof.data.occluded[i, joint] == (gap > limit), (i, MPII16.joints[joint])
            hidden[int(owner[joint])] += int(proof.data.occluded[i, joint])
    assert hidden[PERSON] > 5 and hidden[-1] == 0
    assert not proof.data.occluded[~proof.data.in_image].any()
