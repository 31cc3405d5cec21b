"""Proof of truth on rendered pictures: projection, silhouette, left and right, occlusion against traced rays."""

from functools import cache

import cv2
import numpy as np
import pytest
from stance import STANCE

from wildpose.skeleton import MPII16
from wildpose.studio import bodies
from wildpose.studio.appearance import sample_look
from wildpose.studio.dressing import PERSON, PROP
from wildpose.studio.poses import compose, sample_pose, turn
from wildpose.studio.render import Person, frame_person, hidden_joints, place, render
from wildpose.studio.scene import Camera, box, look_at, sample_room
from wildpose.studio.shots import LEAST_SEEN, _company, make_world, shoot

SIZE = 96
NAMES = list(MPII16.joints)


@cache
def world_of(kind: str, split: str = "train"):
    return make_world(kind, split, 5, SIZE, [], [])


@cache
def shots():
    """A dozen pictures of each kind."""
    return [shoot(world_of(kind), 13 * i) for kind in ("studio", "outdoor") for i in range(12)]


def test_3d_projects_onto_2d_within_a_twentieth_of_a_pixel():
    for shot in shots():
        seen = shot.truth.joints_cam_mm @ shot.truth.camera.K.T
        assert np.abs(seen[:, :2] / seen[:, 2:] - shot.truth.joints_px).max() < 0.05


def test_visible_joints_lie_inside_the_persons_silhouette():
    inside, all_of_them = 0, 0
    for shot in shots():
        t = shot.truth
        # one pixel of grace: the crown is a point of the surface, so it may sit on the outline
        mask = cv2.dilate((t.owner == PERSON).astype(np.uint8), np.ones((5, 5), np.uint8))
        for joint in np.flatnonzero(t.in_image & ~t.occluded):
            column, row = np.rint((t.joints_px[joint] + 0.5) * 2 - 0.5).astype(int)
            inside += int(mask[min(row, mask.shape[0] - 1), min(column, mask.shape[1] - 1)])
            all_of_them += 1
    assert all_of_them > 150
    assert inside / all_of_them >= 0.995


def test_the_box_holds_joints_and_silhouette_and_takes_its_share():
    for shot in shots():
        x, y, w, h = shot.truth.box_xywh
        assert 0.55 - 1e-6 <= max(w, h) / SIZE <= 0.8 + 1e-6
        assert min(x, y) >= -0.5 - 1e-6  # also of people the picture cuts
        assert max(x + w, y + h) <= SIZE - 0.5 + 1e-6
        seen = shot.truth.joints_px[shot.truth.in_image]
        assert (seen >= [x - 1e-6, y - 1e-6]).all() and (seen <= [x + w + 1e-6, y + h + 1e-6]).all()
        rows, columns = np.nonzero(shot.truth.owner == PERSON)
        assert columns.min() / 2 >= x - 1.5 and columns.max() / 2 <= x + w + 1.5
        assert rows.min() / 2 >= y - 1.5 and rows.max() / 2 <= y + h + 1.5


def test_only_the_outdoor_train_split_cuts_people_and_every_picture_shows_half_the_joints():
    whole = {"studio": 0, "outdoor": 0}
    for position, shot in enumerate(shots()):
        kind = "studio" if position < 12 else "outdoor"
        whole[kind] += int(shot.truth.in_image.all())
        assert (shot.truth.in_image & ~shot.truth.behind).sum() >= LEAST_SEEN
    assert whole["studio"] == 12 and 6 <= whole["outdoor"] < 12
    assert all(shoot(world_of("outdoor", "test"), i).truth.in_image.all() for i in range(12))


@pytest.mark.parametrize("axis, end", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_cut_leaves_its_share_outside_and_the_picture_ends_there(axis, end):
    posed, whole_camera, truth = scene(0)
    cut = np.zeros((2, 2))
    cut[axis, end] = 0.3
    camera, around = frame_person(posed, whole_camera, SIZE, 0.7, np.zeros(2), cut)
    edge = around[axis] + (around[2 + axis] if end else 0.0)
    assert edge == pytest.approx(SIZE - 0.5 if end else -0.5)
    assert max(around[2:]) == pytest.approx(0.7 * SIZE)
    zoom = camera.K[0, 0] / whole_camera.K[0, 0]
    expected = np.array(truth.box_xywh[2:]) * zoom
    expected[axis] *= 0.7
    np.testing.assert_allclose(around[2:], expected)


def test_another_person_hides_joints_but_never_is_the_person():
    posed, camera, alone = scene(0)
    eye = camera.eye
    room = sample_room(np.random.default_rng(0), (6.0, 6.0), 3.0, 0.1)
    hidden, seen = 0, 0
    for seed in range(20):
        second = _company(world_of("outdoor"), np.random.default_rng(seed), 30, posed, eye, room)
        assert all(layer.owner == PROP for layer in second)
        if not second:
            continue
        truth = render(posed, second, camera, alone.box_xywh, room, 1.0, SIZE)
        person = truth.owner == PERSON
        assert not (person & (alone.owner != PERSON)).any()  # nothing of the second counts as the first
        np.testing.assert_array_equal(truth.joints_px, alone.joints_px)
        seen += int((truth.owner == PROP).any())
        hidden += int(truth.behind.any())
    assert seen >= 10 and 1 <= hidden <= 8


def scene(yaw_deg: float, props=(), size: int = SIZE):
    """A standing person before a camera that looks along +y; yaw 0 faces it."""

    look = sample_look(np.random.default_rng(3), False)
    pose = turn("z", float(yaw_deg)) @ compose(STANCE | {"left_arm_abd": 40.0, "right_arm_abd": 40.0})
    posed = place(Person(30, look, pose, np.zeros(2)))
    R, t = look_at(np.array([0, -4.0, 1.0]), np.array([0, 0, 1.0]))
    full = Camera(np.array([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]]), R, t)
    camera, around = frame_person(posed, full, size, 0.75, np.zeros(2))
    room = sample_room(np.random.default_rng(0), (6.0, 6.0), 3.0, 0.1)
    return posed, camera, render(posed, list(props), camera, around, room, 1.0, size)


def test_left_is_on_the_right_of_the_picture_when_a_person_faces_the_camera():
    for yaw, sign in ((0, 1), (180, -1)):
        _, _, truth = scene(yaw)
        for joint in ("ankle", "knee", "hip", "shoulder", "elbow", "wrist"):
            left, right = truth.joints_px[NAMES.index(f"left_{joint}")], truth.joints_px[NAMES.index(f"right_{joint}")]
            assert sign * (left[0] - right[0]) > 2
        up = truth.joints_px[NAMES.index("head_top")] - truth.joints_px[NAMES.index("pelvis")]
        assert up[1] < -20  # y grows downwards


def test_left_joints_lie_in_left_skin():
    bank = bodies.load_bank()
    rest_x = bank.mean_rest().vertices[:, 0]
    for shot_seed in range(3):
        rng = np.random.default_rng(shot_seed)
        pose = turn("z", rng.uniform(-180, 180)) @ sample_pose(rng, "Acrobatics")[0]
        posed = place(Person(100, sample_look(rng, False), pose, np.zeros(2)))
        skin = posed.layers[0].vertices
        for name, joint in zip(NAMES, posed.joints, strict=True):
            if name.startswith(("left", "right")):
                nearest = np.argsort(np.linalg.norm(skin - joint, axis=1))[:20]
                side = np.sign(rest_x[nearest]).sum()
                assert side > 0 if name.startswith("left") else side < 0, name


def traced_depth(posed, props, camera: Camera, joints_px: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (m) of the first surface at each joint's pixel, and whose it is, by intersecting rays with triangles."""
    depth, owner = np.full(len(joints_px), np.inf), np.full(len(joints_px), -1)
    inverse = np.linalg.inv(camera.K)
    for layer in [*posed.layers, *props]:
        local = layer.vertices.astype(float) @ camera.R.T + camera.t
        a, b, c = (local[layer.faces[:, k]] for k in range(3))
        ca, cb, cc = (layer.cover[layer.faces[:, k]] for k in range(3))
        for j, pixel in enumerate(joints_px):
            ray = inverse @ np.array([*pixel, 1.0])
            edge1, edge2 = b - a, c - a
            p = np.cross(ray, edge2)
            determinant = np.einsum("fi,fi->f", edge1, p)
            determinant = np.where(np.abs(determinant) < 1e-15, np.nan, determinant)
            u = np.einsum("fi,fi->f", -a, p) / determinant
            q = np.cross(-a, edge1)
            v = q @ ray / determinant
            distance = np.einsum("fi,fi->f", edge2, q) / determinant
            solid = ca + u * (cb - ca) + v * (cc - ca) >= 0
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0) & solid
            if layer.cull:
                hit &= determinant > 0
            if hit.any() and distance[hit].min() < depth[j]:
                depth[j], owner[j] = distance[hit].min(), layer.owner
    return depth, owner


@pytest.mark.parametrize("yaw", [0, 75, 140])
def test_depth_order_and_occlusion_agree_with_traced_rays(yaw):
    bar = box(np.array([0.0, -1.0, 0.55]), np.array([1.2, 0.1, 0.25]), 0.0, np.ones(3) * 0.3)
    posed, camera, truth = scene(yaw, [bar], 192)
    depth, owner = traced_depth(posed, [bar], camera, truth.joints_px)
    sample = np.rint((truth.joints_px + 0.5) * 2 - 0.5).astype(int)
    near = truth.nearness[sample[:, 1], sample[:, 0]]
    close = np.abs(1 / np.maximum(near, 1e-6) - depth) < 0.03  # the sample lies up to a quarter of a pixel off the ray
    assert close.mean() > 0.85
    gap = truth.joints_cam_mm[:, 2] - 1000 * depth
    limit = np.array([bodies.JOINT_DEPTH_MM[n.removeprefix("left_").removeprefix("right_")] for n in NAMES])
    expected = np.where(owner == PROP, gap > 0, gap > limit)
    np.testing.assert_array_equal(truth.occluded[close], expected[close])
    assert (owner == PROP).any()  # the bar does stand before the legs


def test_hidden_joints_by_hand():
    nearness = np.zeros((16, 16), np.float32)
    owner = np.full((16, 16), -1)
    nearness[:, :8], owner[:, :8] = 1 / 2.0, PERSON
    nearness[:, 8:], owner[:, 8:] = 1 / 1.0, PROP
    pixels = np.tile([2.0, 3.0], (16, 1))
    pixels[0] = [6.0, 3.0]
    depth = np.full(16, 2.05)
    depth[10] = 2.2  # a wrist 20 cm behind the person's surface
    by_thing, by_self = hidden_joints(pixels, depth, nearness, owner)
    assert by_thing.tolist() == [i == 0 for i in range(16)]
    assert by_self.tolist() == [i == 10 for i in range(16)]


def test_the_same_index_gives_the_same_picture_and_another_gives_another():
    again = shoot(make_world("studio", "train", 5, SIZE, [], []), 13)
    np.testing.assert_array_equal(again.image, shots()[1].image)
    assert np.abs(shoot(world_of("studio"), 14).image.astype(int) - again.image).mean() > 5
    other = make_world("studio", "train", 6, SIZE, [], [])
    assert np.abs(shoot(other, 13).image.astype(int) - again.image).mean() > 5
