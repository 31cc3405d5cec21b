"""Where a person stands: room or panorama, furniture and props, light, cameras."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from wildpose.studio import textures
from wildpose.studio.appearance import linear
from wildpose.studio.dressing import PROP, Layer, sphere
from wildpose.studio.panoramas import panorama_files, read_panorama
from wildpose.studio.raster import vertex_normals

INDOOR_WORDS = ("apartment", "interior", "studio", "hall", "lab", "lobby", "warehouse", "workshop", "room", "indoor")


@dataclass(frozen=True)
class Camera:
    """A calibrated pinhole camera: X_cam = R X_world + t. Metres; integer pixel centres."""

    K: Float[np.ndarray, "3 3"]
    R: Float[np.ndarray, "3 3"]
    t: Float[np.ndarray, " 3"]

    @property
    def eye(self) -> Float[np.ndarray, " 3"]:
        """Camera centre in the world."""
        return -self.R.T @ self.t

    def project(self, points: Float[np.ndarray, "N 3"]) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, " N"]]:
        """Pixels and depths (metres) of world points."""
        local = (points @ self.R.T.astype(points.dtype)) + self.t.astype(points.dtype)
        pixels = local[:, :2] / local[:, 2:] * self.K[[0, 1], [0, 1]] + self.K[:2, 2]
        return pixels, local[:, 2]


@dataclass(frozen=True)
class Light:
    """Sun (or lamp) and surroundings."""

    sun_dir: Float[np.ndarray, " 3"]
    sun_color: Float[np.ndarray, " 3"]
    sh: Float[np.ndarray, "9 3"]
    softness: float
    """Shadow taps' distance in shadow-map samples."""
    strength: float
    """How dark a shadow on a panorama's ground is."""


@dataclass(frozen=True)
class Panorama:
    """An environment, ready to render."""

    name: str
    radiance: Float[np.ndarray, "H W 3"]
    light: Light
    indoor: bool


@dataclass(frozen=True)
class Room:
    """A box room with its materials and light."""

    bounds: Float[np.ndarray, "3 2"]
    colors: Float[np.ndarray, "4 2 3"]
    texture_ids: np.ndarray
    scales: np.ndarray
    light: Light


def look_at(eye: np.ndarray, target: np.ndarray, roll: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """R, t of a camera at `eye` that looks at `target`; roll in radians about its axis."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    R = np.stack([right, np.cross(forward, right), forward])
    c, s = np.cos(roll), np.sin(roll)
    R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ R
    return R, -R @ eye


def load_panoramas(folder: Path) -> list[Panorama]:
    """Every panorama of a folder; InputError if there is none or one is not a panorama."""
    return [prepare_panorama(path.stem, read_panorama(path)) for path in panorama_files(folder)]


def prepare_panorama(name: str, radiance: Float[np.ndarray, "H W 3"]) -> Panorama:
    """Exposure, the main light and the ambient light of a radiance map."""
    radiance = np.maximum(radiance, 0) / max(float(np.median(radiance)), 1e-3) * 0.35
    small = cv2.resize(radiance, (128, 64), interpolation=cv2.INTER_AREA)
    brightness = cv2.GaussianBlur(small.mean(-1), (0, 0), 1.0)[:32]
    row, column = np.unravel_index(int(brightness.argmax()), brightness.shape)
    theta, phi = (row + 0.5) / 64 * np.pi, ((column + 0.5) / 128 - 0.5) * 2 * np.pi
    sun_dir = np.array([np.sin(theta) * np.sin(phi), -np.sin(theta) * np.cos(phi), np.cos(theta)])
    sun_dir[2] = max(sun_dir[2], 0.35)
    sun_dir /= np.linalg.norm(sun_dir)
    solid = np.sin((np.arange(64) + 0.5) / 64 * np.pi)[:, None, None] * (np.pi / 64) * (2 * np.pi / 128)
    cap = 4.0
    sun = (np.maximum(small - cap, 0) * solid).sum((0, 1)) / np.pi
    sh = project_sh(np.minimum(small, cap))
    gain = 0.55 / max(float(sh[0].mean()), 1e-3)
    sh, sun = sh * gain, sun * gain
    strongest = float(sun.max())
    sun = sun / strongest * min(max(strongest, 0.25), 1.3) if strongest > 1e-3 else np.full(3, 0.25)
    sharp = strongest > 0.6
    light = Light(sun_dir, sun, sh, 1.2 if sharp else 6.0, 0.6 if sharp else 0.45)
    indoor = any(word in name.lower() for word in INDOOR_WORDS)
    return Panorama(name, np.ascontiguousarray(np.clip(radiance, 0, 6), np.float32), light, indoor)


def project_sh(radiance: Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "9 3"]:
    """Irradiance / pi of an environment in nine spherical harmonics (Ramamoorthi and Hanrahan 2001)."""
    h, w = radiance.shape[:2]
    theta, phi = np.meshgrid(
        (np.arange(h) + 0.5) / h * np.pi, ((np.arange(w) + 0.5) / w - 0.5) * 2 * np.pi, indexing="ij"
    )
    x, y, z = np.sin(theta) * np.sin(phi), -np.sin(theta) * np.cos(phi), np.cos(theta)
    solid = (np.sin(theta) * (np.pi / h) * (2 * np.pi / w))[..., None]
    k = [0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274]
    shapes = [np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    lobe = [1.0] + [2 / 3] * 3 + [0.25] * 5
    return np.array([lobe[i] * k[i] ** 2 * (radiance * shapes[i][..., None] * solid).sum((0, 1)) for i in range(9)])


def procedural_panorama(rng: np.random.Generator, name: str) -> Panorama:
    """An invented outdoor environment: sky with clouds, ground, and a skyline of blocks and bushes."""
    h, w = 192, 384
    v = np.linspace(0, 1, h)[:, None, None]
    sky = linear(np.array([rng.uniform(90, 150), rng.uniform(130, 180), rng.uniform(190, 240)]))
    haze = linear(rng.uniform(190, 235) * np.ones(3))
    ground = linear(
        rng.choice([[96, 110, 62], [130, 122, 108], [110, 106, 104], [150, 132, 96]]) * rng.uniform(0.7, 1.2)
    )
    cloud = cv2.resize(np.tile(textures.noise(rng, 5, 4), (1, 2)), (w, h))[..., None]
    picture = np.where(v < 0.5, sky + (haze - sky) * (v * 2) ** 2 + 0.5 * np.maximum(cloud - 0.55, 0), ground)
    grain = cv2.resize(np.tile(textures.noise(rng, 6, 8), (1, 2)), (w, h))[..., None]
    picture = np.where(v >= 0.5, picture * (0.6 + 0.8 * grain), picture)
    for _ in range(int(rng.integers(10, 40))):
        x, wide, tall = int(rng.integers(w)), int(rng.integers(4, 40)), int(rng.integers(3, 40))
        color = linear(rng.uniform(30, 200, 3) * 0.5 + rng.uniform(20, 110))
        columns = np.arange(x, x + wide) % w
        rows = slice(h // 2 - tall, h // 2 + int(rng.integers(0, 6)))
        picture[rows, columns] = color * (0.6 + 0.8 * grain[rows, columns])
    sun_v, sun_u = int(rng.integers(10, 60)), int(rng.integers(w))
    picture[sun_v - 2 : sun_v + 2, np.arange(sun_u, sun_u + 4) % w] += rng.choice([0, 200, 600])
    return prepare_panorama(name, cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.7))


def hemisphere_light(rng: np.random.Generator, direct: float, around: float) -> Light:
    """Lamp from above one side and a bright ceiling, as in a studio."""
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 1.3)
    sun_dir = np.array([np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)])
    tint = np.array([1.0, rng.uniform(0.9, 1.0), rng.uniform(0.78, 1.05)])
    sh = np.zeros((9, 3))
    sh[0] = around * tint
    sh[2] = 0.4 * around * tint
    sh[1], sh[3] = rng.normal(0, 0.12, 2)[:, None] * around
    return Light(sun_dir, direct * tint, sh, float(rng.uniform(1.5, 5)), 0.5)


def sample_room(rng: np.random.Generator, half: tuple[float, float], height: float, vivid: float) -> Room:
    """A room around the origin; `vivid` is the share of strong colours."""
    bounds = np.array([[-half[0], half[0]], [-half[1], half[1]], [0.0, height]])
    colors = np.empty((4, 2, 3))
    for surface in range(4):
        base = rng.uniform(0.25, 0.8) if surface == 0 else rng.uniform(0.4, 0.9)
        tint = 1 + rng.normal(0, 0.3 if rng.random() < vivid else 0.05, 3)
        colors[surface, 0] = linear(255 * np.clip(base * tint, 0.08, 0.97))
        colors[surface, 1] = colors[surface, 0] * rng.uniform(0.4, 1.1)
    if rng.random() < 0.8:
        colors[2] = colors[1]
    texture_ids = np.array([rng.choice(textures.FLOORS), rng.choice(textures.WALLS), 0, textures.SMOOTH])
    texture_ids[2] = texture_ids[1]
    scales = np.array([rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.6), 0, 0.3])
    scales[2] = scales[1]
    light = hemisphere_light(rng, float(rng.uniform(0.15, 0.8)), float(rng.uniform(0.35, 0.7)))
    return Room(bounds, colors, texture_ids, scales, light)


_CUBE_FACES = np.array(
    [
        [0, 2, 1],
        [1, 2, 3],
        [4, 5, 6],
        [5, 7, 6],
        [0, 1, 4],
        [1, 5, 4],
        [2, 6, 3],
        [3, 6, 7],
        [0, 4, 2],
        [2, 4, 6],
        [1, 3, 5],
        [3, 7, 5],
    ]
)


def box(centre: np.ndarray, size: np.ndarray, yaw: float, color: np.ndarray, texture: int = textures.PLAIN) -> Layer:
    """A box standing on its `centre`'s x, y with its middle at centre z; flat-shaded (vertices not shared)."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size
    c, s = np.cos(yaw), np.sin(yaw)
    corners = corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + centre
    return prop_layer(corners[_CUBE_FACES.ravel()], np.arange(36).reshape(12, 3), color, texture)


def ball(centre: np.ndarray, radii: np.ndarray, color: np.ndarray, texture: int = textures.PLAIN) -> Layer:
    """An ellipsoid."""
    points, faces = sphere(10, 14)
    return prop_layer(points * radii + centre, faces, color, texture)


def prop_layer(points: np.ndarray, faces: np.ndarray, color: np.ndarray, texture: int) -> Layer:
    """A thing that is not the person."""
    moved = np.ascontiguousarray(points, np.float32)
    faces = faces.astype(np.int32)
    material = (texture, 1.0, *(color * 0.5), 0.03, 20.0, 0.03, 0.2)
    uv = np.stack([points[:, 0] + 0.6 * points[:, 1], points[:, 2] + 0.4 * points[:, 1]], 1)
    colors = np.broadcast_to(color, (len(points), 3))
    return Layer(moved, faces, colors, uv, np.ones(len(points)), material, False, vertex_normals(moved, faces), PROP)


def chair(centre: np.ndarray, yaw: float, seat: float, color: np.ndarray, back: bool) -> list[Layer]:
    """A stool, or a chair with its back towards the sitter's back (the sitter faces -y turned by yaw). seat: height,
    m."""
    seat = max(seat, 0.08)
    c, s = np.cos(yaw), np.sin(yaw)
    turned = np.array([[c, -s], [s, c]])

    def place(x, y, z):
        return np.array([*(turned @ [x, y] + centre[:2]), z])

    parts = [box(place(0, 0, seat - 0.025), np.array([0.42, 0.42, 0.05]), yaw, color)]
    for x in (-0.18, 0.18):
        for y in (-0.18, 0.18):
            parts.append(box(place(x, y, (seat - 0.05) / 2), np.array([0.04, 0.04, seat - 0.05]), yaw, color))
    if back:
        parts.append(box(place(0, 0.24, seat + 0.28), np.array([0.42, 0.03, 0.4]), yaw, color))
    return parts
