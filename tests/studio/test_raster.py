"""The rasteriser against the plainest possible one."""

import numpy as np

from wildpose.studio.raster import lit_share, rasterise, rasterise_depth, vertex_normals


def draw(x, y, near, cover, faces, size, cull=False):
    buffers = [np.zeros((size, size), np.float32), np.full((size, size), -1, np.int32)]
    weights = [np.zeros((size, size), np.float32) for _ in range(2)]
    args = [a.astype(np.float32) for a in (x, y, near, cover)]
    rasterise(*args, faces.astype(np.int32), 0, cull, *buffers, *weights)
    return (*buffers, *weights)


def plain(x, y, near, cover, faces, size):
    """Nearest value at every sample, by solving each triangle's barycentric equations."""
    best = np.zeros((size, size))
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    samples = np.stack([np.ones(size * size), columns.ravel(), rows.ravel()])
    for face in faces:
        corners = np.stack([np.ones(3), x[face], y[face]])
        if abs(np.linalg.det(corners)) < 1e-9:
            continue
        weights = np.linalg.solve(corners, samples)
        value, solid = near[face] @ weights, cover[face] @ weights >= 0
        inside = ((weights >= 0).all(0) & solid).reshape(size, size)
        best = np.where(inside, np.maximum(best, value.reshape(size, size)), best)
    return best


def test_nearest_surface_equals_a_plain_rasteriser_with_holes():
    rng = np.random.default_rng(1)
    x, y, near = rng.uniform(-10, 50, 60), rng.uniform(-10, 50, 60), rng.uniform(0.1, 1, 60)
    cover, faces = rng.uniform(-0.5, 1, 60), rng.integers(0, 60, (40, 3))
    got, face_at, w1, w2 = draw(x, y, near, cover, faces, 40)
    expected = plain(x, y, near, cover, faces, 40)
    assert (np.abs(got - expected) > 1e-4).mean() < 0.003  # samples that lie on an edge may fall to either side
    hit = face_at >= 0
    corners = near[faces[face_at[hit]]]
    again = corners[:, 0] * (1 - w1[hit] - w2[hit]) + corners[:, 1] * w1[hit] + corners[:, 2] * w2[hit]
    np.testing.assert_allclose(again, got[hit], atol=1e-4)
    shadow = np.zeros((40, 40), np.float32)
    rasterise_depth(
        *(a.astype(np.float32) for a in (x, y, near)), np.ones(60, np.float32), faces.astype(np.int32), shadow
    )
    assert (np.abs(shadow - plain(x, y, near, np.ones(60), faces, 40)) > 1e-4).mean() < 0.003


def test_culling_keeps_faces_that_turn_towards_the_camera():
    # seen with x right, y down, z away: this triangle's outward normal (right-hand rule) points at the camera
    x, y = np.array([2.0, 2.0, 12.0]), np.array([2.0, 12.0, 2.0])
    points = np.stack([x, y, np.ones(3)], 1)
    normal = np.cross(points[1] - points[0], points[2] - points[0])
    assert normal[2] < 0
    ones = np.ones(3)
    assert (draw(x, y, ones, ones, np.array([[0, 1, 2]]), 16, cull=True)[1] >= 0).any()
    assert (draw(x, y, ones, ones, np.array([[0, 2, 1]]), 16, cull=True)[1] < 0).all()


def test_normals_of_a_cube_corner():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    faces = np.array(
        [[0, 2, 1], [0, 1, 3], [0, 3, 2]], np.int32
    )  # the three planes through the origin, seen from outside
    np.testing.assert_allclose(vertex_normals(vertices, faces)[0], -np.ones(3) / np.sqrt(3), atol=1e-6)


def test_light_is_blocked_behind_a_surface_and_free_outside_the_map():
    shadow_map = np.full((20, 20), -1e3, np.float32)
    shadow_map[5:15, 5:15] = 2.0  # a plate at height 2
    to_light = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    assert lit_share(shadow_map, to_light, 10.0, 10.0, 1.0, 0.01, 1.0) == 0
    assert lit_share(shadow_map, to_light, 10.0, 10.0, 2.0, 0.01, 1.0) == 1
    assert lit_share(shadow_map, to_light, 100.0, 10.0, 0.0, 0.01, 1.0) == 1
    assert 0 < lit_share(shadow_map, to_light, 5.0, 10.0, 1.0, 0.01, 1.0) < 1
