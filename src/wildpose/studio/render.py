"""One picture of one person with its exact truth."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from wildpose.skeleton import MPII16
from wildpose.studio import bodies
from wildpose.studio.appearance import Look
from wildpose.studio.dressing import PERSON, PROP, Layer, dress
from wildpose.studio.raster import rasterise, rasterise_depth
from wildpose.studio.scene import Camera, Light, Panorama, Room
from wildpose.studio.shade import shade_panorama, shade_room, shade_surfaces
from wildpose.studio.textures import textures

FACTOR = 2
"""Samples a pixel, per axis."""
SHADOW_SIZE, SHADOW_SPAN_M = 320, 3.6
_DEPTH_MM = np.array([bodies.JOINT_DEPTH_MM[n.removeprefix("left_").removeprefix("right_")] for n in MPII16.joints])


@dataclass(frozen=True)
class Person:
    """Who stands where in which pose."""

    body: int
    """Index in the bank."""
    look: Look
    pose: Float[np.ndarray, "13 3 3"]
    ground_xy: Float[np.ndarray, " 2"]
    """Where the pelvis stands, metres."""
    lift: float = 0.0
    """Height of the lowest point above the floor, metres."""


@dataclass(frozen=True)
class Posed:
    """A person's geometry in the world, metres."""

    layers: list[Layer]
    joints: Float[np.ndarray, "16 3"]


@dataclass(frozen=True)
class Rendered:
    """A picture, before it is degraded, and its truth."""

    image: Float[np.ndarray, "H W 3"]
    """Linear RGB."""
    joints_px: Float[np.ndarray, "16 2"]
    joints_cam_mm: Float[np.ndarray, "16 3"]
    in_image: Bool[np.ndarray, " 16"]
    occluded: Bool[np.ndarray, " 16"]
    """Hidden by anything, the own body included."""
    behind: Bool[np.ndarray, " 16"]
    """Hidden by a thing or another person."""
    camera: Camera
    box_xywh: Float[np.ndarray, " 4"]
    nearness: Float[np.ndarray, "H2 W2"]
    """1 / depth (1 / m) of the nearest surface at every sample, 0 where there is none; 2 x 2 samples a pixel."""
    owner: Int[np.ndarray, "H2 W2"]
    """PERSON, PROP (a thing or another person) or -1 at every sample."""


def place(person: Person) -> Posed:
    """Pose, dress and stand a person on the floor z = 0."""
    bank = bodies.load_bank()
    rest = bank.rest(person.body)
    rotations = bodies.bone_rotations(bank, rest, person.pose)
    pivots = bodies.pose_pivots(bank, rest, rotations)
    vertices = bodies.skin(bank, rest, rotations, pivots)
    joints = bodies.joints(bank, pivots, vertices)
    lowest = float(vertices[bank.arrays["is_skin"], 2].min())
    shift = np.array([*(person.ground_xy - joints[6, :2]), person.lift - lowest])
    vertices = np.ascontiguousarray(vertices + shift.astype(np.float32))
    return Posed(dress(vertices, person.look), joints + shift)


def frame_person(
    posed: Posed, camera: Camera, size_px: int, share: float, shift: np.ndarray, cut: np.ndarray | None = None
) -> tuple[Camera, np.ndarray]:
    """Crop the camera's picture around a person, so that the box's larger side takes `share` of it.

    shift: offset of the box's centre from the picture's, as a share of the free margin, -1..1. cut: (2, 2), the shares
    of the box's width and of its height that are left out of the picture at its low and its high end; then the part
    that stays takes `share`. Returns the camera of the crop and the box (x, y, w, h) of the part that is seen.
    """
    seen = [layer.vertices[layer.cover > 0] for layer in posed.layers]
    points, depth = camera.project(np.concatenate([posed.joints, *seen]))
    points = points[depth > 0.1]
    low, high = points.min(0), points.max(0)
    if cut is not None:
        low, high = low + cut[:, 0] * (high - low), high - cut[:, 1] * (high - low)
    side = float((high - low).max()) / share
    zoom = size_px / side
    centre = (low + high) / 2 - shift * (side - (high - low)) / 2
    if cut is not None:  # the picture ends where the person is cut
        centre = np.where(cut[:, 0] > 0, low + side / 2, np.where(cut[:, 1] > 0, high - side / 2, centre))
    K = camera.K.copy()
    K[:2] *= zoom
    K[:2, 2] = zoom * (camera.K[:2, 2] - centre) + (size_px - 1) / 2
    corner = zoom * (low - centre) + (size_px - 1) / 2
    return Camera(K, camera.R, camera.t), np.concatenate([corner, zoom * (high - low)])


@dataclass(frozen=True)
class _Mesh:
    layers: list[Layer]
    first_vertex: list[int]
    first_face: list[int]
    points: np.ndarray
    cover: np.ndarray
    faces: np.ndarray
    material_of: np.ndarray
    owner_of: np.ndarray


def _merge(layers: list[Layer]) -> _Mesh:
    first_vertex, first_face = [0], [0]
    for layer in layers:
        first_vertex.append(first_vertex[-1] + len(layer.vertices))
        first_face.append(first_face[-1] + len(layer.faces))
    return _Mesh(
        layers,
        first_vertex,
        first_face,
        np.concatenate([layer.vertices for layer in layers]),
        np.concatenate([layer.cover for layer in layers]).astype(np.float32),
        np.concatenate([layer.faces + first for layer, first in zip(layers, first_vertex, strict=False)]),
        np.repeat(np.arange(len(layers)), np.diff(first_face)),
        np.repeat([layer.owner for layer in layers], np.diff(first_face)),
    )


def _visibility(mesh: _Mesh, camera: Camera, size_px: int) -> tuple:
    """Buffers at FACTOR samples a pixel and the vertices' depths."""
    pixels, depth = camera.project(mesh.points)
    samples = ((pixels + 0.5) * FACTOR - 0.5).astype(np.float32)
    inverse = np.where(depth > 0.1, 1 / np.maximum(depth, 0.1), 0).astype(np.float32)
    n = size_px * FACTOR
    nearness, weight_1, weight_2 = (np.zeros((n, n), np.float32) for _ in range(3))
    face_at = np.full((n, n), -1, np.int32)
    x, y = np.ascontiguousarray(samples[:, 0]), np.ascontiguousarray(samples[:, 1])
    for i, layer in enumerate(mesh.layers):
        part = mesh.faces[mesh.first_face[i] : mesh.first_face[i + 1]]
        rasterise(
            x, y, inverse, mesh.cover, part, mesh.first_face[i], layer.cull, nearness, face_at, weight_1, weight_2
        )
    return nearness, face_at, weight_1, weight_2, np.maximum(depth, 0.1).astype(np.float32)


def _shadow(mesh: _Mesh, light: Light, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shadow map seen along the main light, and the (3, 4) map from the world to its row, column and nearness."""
    across = np.cross([0, 1.0, 0], light.sun_dir)
    across /= np.linalg.norm(across)
    axes = np.stack([across, np.cross(light.sun_dir, across), light.sun_dir])
    to_light = np.zeros((3, 4))
    to_light[:, :3] = axes
    to_light[:, 3] = -axes @ centre
    to_light[:2] *= SHADOW_SIZE / SHADOW_SPAN_M
    to_light[:2, 3] += SHADOW_SIZE / 2
    seen = (mesh.points @ to_light[:, :3].T + to_light[:, 3]).astype(np.float32)
    shadow_map = np.full((SHADOW_SIZE, SHADOW_SIZE), -1e3, np.float32)
    x, y, z = (np.ascontiguousarray(seen[:, i]) for i in range(3))
    rasterise_depth(x, y, z, mesh.cover, mesh.faces, shadow_map)
    return shadow_map, to_light


def render(posed: Posed, props: list[Layer], camera: Camera, box: np.ndarray, background: Room | Panorama, gain: float,
           size_px: int) -> Rendered:  # fmt: skip
    """Draw a placed person among props before a background. `gain` scales a panorama's own brightness."""
    mesh = _merge(posed.layers + props)
    light = background.light
    nearness, face_at, weight_1, weight_2, depth = _visibility(mesh, camera, size_px)
    shadow_map, to_light = _shadow(mesh, light, posed.joints.mean(0))
    image, alpha = np.zeros((size_px, size_px, 3), np.float32), np.zeros((size_px, size_px), np.float32)
    colors = np.concatenate([layer.colors for layer in mesh.layers]).astype(np.float32)
    uv = np.concatenate([layer.uv for layer in mesh.layers]).astype(np.float32)
    normals = np.concatenate([layer.normals for layer in mesh.layers])
    materials = np.array([layer.material for layer in mesh.layers], np.float64)
    eye = camera.eye
    shade_surfaces(
        face_at, weight_1, weight_2, nearness, mesh.faces, mesh.material_of, mesh.points, depth, normals, colors, uv,
        materials, textures(), eye, light.sun_dir, light.sun_color, light.sh, shadow_map, to_light,
        min(light.softness, 2.0), FACTOR, image, alpha,
    )  # fmt: skip
    inverse_k, to_world = np.linalg.inv(camera.K), np.ascontiguousarray(camera.R.T)
    if isinstance(background, Room):
        shade_room(
            background.bounds,
            background.colors,
            textures(),
            background.texture_ids,
            background.scales,
            inverse_k,
            to_world,
            eye,
            light.sun_dir,
            light.sun_color,
            light.sh,
            shadow_map,
            to_light,
            light.softness,
            alpha,
            image,
        )
    else:
        shade_panorama(background.radiance, inverse_k, to_world, eye, gain, shadow_map, to_light, light.softness,
                       light.strength, alpha, image)  # fmt: skip
    owner = np.where(face_at >= 0, mesh.owner_of[face_at], -1)
    return _with_truth(posed, camera, box, image, nearness, owner, size_px)


def _with_truth(posed, camera, box, image, nearness, owner, size_px) -> Rendered:
    joints_px, depth = camera.project(posed.joints)
    joints_cam_mm = 1000 * (posed.joints @ camera.R.T + camera.t)
    in_image = (joints_px >= 0).all(1) & (joints_px <= size_px - 1).all(1)
    by_thing, by_self = hidden_joints(joints_px, depth, nearness, owner)
    return Rendered(image, joints_px, joints_cam_mm, in_image, (by_thing | by_self) & in_image, by_thing & in_image,
                    camera, box, nearness, owner)  # fmt: skip


def hidden_joints(joints_px, depth, nearness, owner) -> tuple[Bool[np.ndarray, " 16"], Bool[np.ndarray, " 16"]]:
    """Joints hidden by a thing or another person in front, and those whose own person's surface lies nearer than they
    lie deep."""
    size = nearness.shape[0]
    sample = np.clip(np.rint((joints_px + 0.5) * FACTOR - 0.5).astype(int), 0, size - 1)
    near = nearness[sample[:, 1], sample[:, 0]]
    who = owner[sample[:, 1], sample[:, 0]]
    gap_mm = np.where(near > 0, (depth - 1 / np.maximum(near, 1e-9)) * 1000, -1.0)
    return (who == PROP) & (gap_mm > 0), (who == PERSON) & (gap_mm > _DEPTH_MM)
