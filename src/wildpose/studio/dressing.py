"""A posed body and a look as layers of triangles: skin, trousers, shirt, shoes, hair, headwear."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from wildpose.studio import textures
from wildpose.studio.appearance import Garment, Look
from wildpose.studio.paint import paint_skin
from wildpose.studio.raster import vertex_normals
from wildpose.studio.regions import Regions, regions

PERSON, PROP = 0, 1


@dataclass(frozen=True)
class Layer:
    """Triangles with one material. A negative interpolated cover is a hole."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    colors: Float[np.ndarray, "V 3"]
    """Linear RGB at the vertices."""
    uv: Float[np.ndarray, "V 2"]
    """Texture coordinates in metres."""
    cover: Float[np.ndarray, " V"]
    material: tuple
    """texture, scale (tiles per metre), second colour x 3, specular, gloss, sheen, bump."""
    cull: bool
    normals: Float[np.ndarray, "V 3"]
    owner: int = PERSON


def dress(vertices: Float[np.ndarray, "V 3"], look: Look) -> list[Layer]:
    """All layers of a person whose bank mesh has been posed; positions in the frame of `vertices`."""
    r = regions()
    trousers = trousers_cover(r, look.trousers)
    shirt = shirt_cover(r, look.shirt) if look.shirt else np.full(len(r.rest), -1.0)
    shoes = (r.leg - 0.995) * 0.4 if look.shoe_color is not None else np.full(len(r.rest), -1.0)
    hidden = np.maximum(np.maximum(trousers, shirt), shoes) > 0.028
    layers = [_skin(r, look, vertices, np.where(hidden, -1.0, 1.0))]
    cloth = vertices[r.tights]
    normals = vertex_normals(cloth, r.tights_faces)
    layers.append(_garment(r, look.trousers, trousers, cloth, normals, 0.0, _drape_legs(r, look.trousers)))
    if look.shirt:
        over = look.trousers.offset + 0.004
        layers.append(_garment(r, look.shirt, shirt, cloth, normals, over, _drape_trunk(r, look.shirt)))
    if look.skirt:
        layers.append(_skirt(r, look.skirt, cloth))
    if look.shoe_color is not None:
        layers.append(_shoes(r, look, shoes, cloth, normals))
    layers += _hair(r, look, vertices)
    layers += _headwear(r, look, vertices)
    return [layer for layer in layers if (layer.cover > 0).any()]


def trousers_cover(r: Regions, garment: Garment) -> Float[np.ndarray, " V"]:
    """Positive inside the trousers, about metres from their edge."""
    inside = np.minimum(garment.neck - r.rest[:, 2], (garment.length - r.leg) * 0.8)
    return np.where(r.arm >= 0, -1.0, inside)


def shirt_cover(r: Regions, garment: Garment) -> Float[np.ndarray, " V"]:
    """Positive inside the shirt, about metres from its edge. The neckline is lower in front than behind."""
    x, y, z = r.rest.T
    trunk = np.minimum(z - garment.length, garment.neck - z + 0.35 * (y + 0.02))
    trunk = np.where(z > 0.40, np.minimum(trunk, garment.straps - np.abs(x)), trunk)
    return np.where(r.arm >= 0, np.where(garment.sleeve < 0.05, -1.0, (garment.sleeve - r.arm) * 0.5), trunk)


def _drape_legs(r: Regions, garment: Garment) -> np.ndarray:
    share = np.clip(r.leg / max(garment.length, 0.15), 0, 1)
    return garment.loose * np.where(garment.length < 0.6, share, np.minimum(2.5 * share, 1))


def _drape_trunk(r: Regions, garment: Garment) -> np.ndarray:
    below = np.clip((0.40 - r.rest[:, 2]) / 0.35, 0, 1)
    along = np.clip(r.arm / 0.3, 0, 1) * 0.8
    return garment.loose * np.where(r.arm >= 0, along, below)


def _garment(
    r: Regions,
    garment: Garment,
    cover: np.ndarray,
    cloth: np.ndarray,
    normals: np.ndarray,
    over: float,
    drape: np.ndarray,
) -> Layer:
    t = r.tights
    wrinkles = garment.wrinkle * (r.waves[t, 2] + r.waves[t, 4] + 0.7 * r.waves[t, 5]) * 1.5
    push = np.maximum(over + garment.offset + drape[t] + wrinkles, 0.002)
    moved = (cloth + normals * push[:, None]).astype(np.float32)
    rest = r.rest[t]
    around = np.where(r.arm[t] >= 0, rest[:, 1] + rest[:, 0], rest[:, 0] + 0.6 * rest[:, 1])
    uv = np.stack([around, -rest[:, 2]], 1)
    colors = np.broadcast_to(garment.color, (len(t), 3))
    material = (garment.texture, garment.scale * 1.6, *garment.second, 0.015, 12.0, 0.05, garment.bump)
    return Layer(moved, r.tights_faces, colors, uv, cover[t], material, False, vertex_normals(moved, r.tights_faces))


_SKIRT_ANGLES = 28


def _skirt(r: Regions, garment: Garment, cloth: np.ndarray) -> Layer:
    """A tube from the waist down: each ring is the convex hull of the trunk or of both legs at that height."""
    t = r.tights
    trunk, legs = r.rest[t, 2], np.where(r.arm[t] >= 0, -1.0, r.leg[t])
    rings = [np.flatnonzero((np.abs(trunk - height) < 0.022) & (r.arm[t] < 0)) for height in (0.17, 0.10, 0.03)]
    rings += [np.flatnonzero(np.abs(legs - s) < 0.03) for s in np.arange(0.12, garment.length, 0.055)]
    middle = np.array([cloth[ring].mean(0) for ring in rings])
    hips = rings[2]
    across = cloth[hips[r.rest[t[hips], 0] > 0]].mean(0) - cloth[hips[r.rest[t[hips], 0] < 0]].mean(0)
    angle = np.linspace(0, 2 * np.pi, _SKIRT_ANGLES + 1)
    points = []
    for k, ring in enumerate(rings):
        down = middle[min(k + 1, len(rings) - 1)] - middle[max(k - 1, 0)]
        down /= np.linalg.norm(down)
        lateral = across - (across @ down) * down
        lateral /= np.linalg.norm(lateral) + 1e-9
        ways = np.cos(angle)[:, None] * lateral + np.sin(angle)[:, None] * np.cross(down, lateral)
        share = k / (len(rings) - 1)
        fold = 1 + 0.5 * share * np.sin(9 * angle + 2 * garment.scale)
        out = garment.offset + 0.008 + garment.loose * share**1.5 * fold
        points.append(cloth[ring[(cloth[ring] @ ways.T).argmax(0)]] + out[:, None] * ways)
    moved = np.concatenate(points).astype(np.float32)
    n = _SKIRT_ANGLES + 1
    first = (np.arange(len(rings) - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([first, first + n, first + 1], 1),
                            np.stack([first + 1, first + n, first + n + 1], 1)]).astype(np.int32)  # fmt: skip
    uv = np.stack([np.tile(angle * 0.2, len(rings)), np.repeat(np.arange(len(rings)) * 0.06, n)], 1)
    material = (garment.texture, garment.scale * 1.6, *garment.second, 0.015, 12.0, 0.05, garment.bump)
    colors = np.broadcast_to(garment.color, (len(moved), 3))
    return Layer(moved, faces, colors, uv, np.ones(len(moved)), material, False, vertex_normals(moved, faces))


def _shoes(r: Regions, look: Look, cover: np.ndarray, cloth: np.ndarray, normals: np.ndarray) -> Layer:
    t = r.tights
    rest = r.rest[t]
    sole = rest[:, 2] < -0.80
    push = np.where(sole, 0.018, 0.009)
    moved = (cloth + normals * push[:, None]).astype(np.float32)
    toe_cap = np.clip((-0.12 - rest[:, 1]) / 0.05, 0, 1)[:, None]
    colors = np.where(
        sole[:, None], look.sole_color, look.shoe_color * (1 - 0.35 * toe_cap) + 0.35 * toe_cap * look.sole_color
    )
    material = (textures.SMOOTH, 2.0, 0.0, 0.0, 0.0, 0.06, 25.0, 0.04, 0.2)
    return Layer(
        moved, r.tights_faces, colors, rest[:, :2], cover[t], material, False, vertex_normals(moved, r.tights_faces)
    )


def _skin(r: Regions, look: Look, vertices: np.ndarray, cover: np.ndarray) -> Layer:
    material = (textures.SMOOTH, 3.0, 0.0, 0.0, 0.0, 0.05, 18.0, 0.06, 0.15)
    uv = np.stack([r.rest[:, 0] + r.rest[:, 1], -r.rest[:, 2]], 1)
    normals = vertex_normals(vertices, r.skin_faces)
    return Layer(vertices, r.skin_faces, paint_skin(r, look), uv, cover, material, True, normals)


def _hair(r: Regions, look: Look, vertices: np.ndarray) -> list[Layer]:
    material = (textures.FUR, 5.0, *(look.hair_color * 0.45), 0.05, 25.0, 0.05, 0.9)
    layers = []
    if look.hair not in ("bald", "buzz"):
        thickness = look.hair_thickness if look.headwear == "none" else 0.004
        layers.append(_scalp(r, look.hair_color, vertices, thickness, 0.0, material))
    if look.hair in ("long", "bob"):
        base = vertices[r.locks]
        rest = r.rest[r.locks]
        normals = vertex_normals(base, r.locks_faces)
        over_clothes = 0.024 * np.clip((0.60 - rest[:, 2:3]) / 0.05, 0, 1) if look.shirt else 0.0
        moved = (base + normals * (0.004 + 0.006 * r.waves[r.locks, 4:5] + over_clothes)).astype(np.float32)
        behind = rest[:, 1] + np.interp(rest[:, 2], [0.70, 0.775, 0.80], [0.035, 0.055, 0.13])
        cover = np.minimum(rest[:, 2] - look.hair_cut + 0.02 * r.waves[r.locks, 3], behind)
        if look.headwear != "none":  # what lies under it must not come through
            cover = np.minimum(cover, 0.745 - rest[:, 2])
        colors = np.broadcast_to(look.hair_color, (len(rest), 3)) * (1 + 0.25 * r.waves[r.locks, 2:3])
        uv = np.stack([rest[:, 0] + rest[:, 1], -rest[:, 2]], 1)
        layers.append(
            Layer(moved, r.locks_faces, colors, uv, cover, material, False, vertex_normals(moved, r.locks_faces))
        )
    if look.hair == "bun":
        layers.append(_bun(r, look, vertices, material))
    return layers


def _scalp(
    r: Regions, color: np.ndarray, vertices: np.ndarray, thickness: float, edge: float, material: tuple
) -> Layer:
    s = r.scalp
    base = vertices[s]
    grown = r.head[s] - edge
    push = thickness * np.clip(grown / 0.03, 0.1, 1) * (1 + 0.3 * r.waves[s, 4])
    normals = vertex_normals(base, r.scalp_faces)
    moved = (base + normals * push[:, None]).astype(np.float32)
    rest = r.rest[s]
    colors = np.broadcast_to(color, (len(s), 3)) * (1 + 0.2 * r.waves[s, 2:3])
    uv = np.stack([rest[:, 0] + rest[:, 1], -rest[:, 2] - rest[:, 1]], 1)
    cover = grown + 0.006 * r.waves[s, 5]
    return Layer(moved, r.scalp_faces, colors, uv, cover, material, False, vertex_normals(moved, r.scalp_faces))


def _head_frame(r: Regions, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the posed head sits: origin of the rest head's centre and the (3, 3) rotation, fitted to the scalp."""
    rest, posed = r.rest[r.scalp], vertices[r.scalp].astype(np.float64)
    a, b = rest - rest.mean(0), posed - posed.mean(0)
    u, _, vt = np.linalg.svd(a.T @ b)
    rotation = vt.T @ np.diag([1, 1, np.sign(np.linalg.det(vt.T @ u.T))]) @ u.T
    scale = np.sqrt((b**2).sum() / (a**2).sum())
    return posed.mean(0) - scale * rotation @ rest.mean(0), scale * rotation


def _solid(points: np.ndarray, faces: np.ndarray, color: np.ndarray, material: tuple) -> Layer:
    moved = np.ascontiguousarray(points, np.float32)
    return Layer(moved, faces.astype(np.int32), np.broadcast_to(color, (len(points), 3)), points[:, :2] * 1.0,
                 np.ones(len(points)), material, False, vertex_normals(moved, faces.astype(np.int32)))  # fmt: skip


def sphere(rows: int = 8, columns: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Unit sphere: vertices and faces."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rows + 1), np.linspace(0, 2 * np.pi, columns + 1), indexing="ij")
    points = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    below = first + columns + 1
    return points, np.concatenate([np.stack([first, below, first + 1], 1), np.stack([first + 1, below, below + 1], 1)])


def _bun(r: Regions, look: Look, vertices: np.ndarray, material: tuple) -> Layer:
    origin, rotation = _head_frame(r, vertices)
    points, faces = sphere()
    centre = np.array([0.0, 0.075, 0.80])
    return _solid(origin + (points * 0.035 + centre) @ rotation.T, faces, look.hair_color, material)


def _headwear(r: Regions, look: Look, vertices: np.ndarray) -> list[Layer]:
    if look.headwear == "none":
        return []
    material = (textures.PLAIN, 2.0, *look.headwear_color, 0.02, 12.0, 0.04, 0.3)
    thick = {"cap": 0.016, "backward": 0.016, "beanie": 0.018, "helmet": 0.034}[look.headwear]
    edge = -0.004 if look.headwear == "beanie" else 0.006
    layers = [_scalp(r, look.headwear_color, vertices, thick, edge, material)]
    if look.headwear in ("cap", "backward"):
        origin, rotation = _head_frame(r, vertices)
        angle = np.linspace(-1.1, 1.1, 9)
        way = -1.0 if look.headwear == "cap" else 1.0
        middle = -0.045
        near = np.stack([0.078 * np.sin(angle), middle + way * 0.095 * np.cos(angle), np.full(9, 0.805)], 1)
        far = near + np.stack([0.02 * np.sin(angle), way * 0.07 * np.cos(angle), np.full(9, -0.02)], 1)
        i = np.arange(8)
        faces = np.concatenate([np.stack([i, i + 9, i + 1], 1), np.stack([i + 1, i + 9, i + 10], 1)])
        layers.append(_solid(origin + np.concatenate([near, far]) @ rotation.T, faces, look.headwear_color, material))
    return layers
