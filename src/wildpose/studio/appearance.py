"""What a person looks like: skin, face, hair, clothes, shoes, headwear, drawn from a random generator.

Clothes, hair and shoes are copies of parts of the body's mesh, pushed outwards, and cut along smooth fields that are
defined once on the mean body (`Regions`): how far down an arm or a leg a vertex lies, how high, how far to the front.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from wildpose.studio import textures
from wildpose.studio.bodies import load_bank

SKIN_TONES = np.array(
    [
        [244, 212, 192],
        [232, 188, 158],
        [214, 162, 128],
        [184, 128, 92],
        [148, 98, 68],
        [108, 70, 50],
        [76, 48, 36],
        [52, 34, 28],
    ]
)
HAIR_COLORS = np.array(
    [
        [18, 14, 12],
        [30, 22, 18],
        [52, 36, 26],
        [86, 58, 38],
        [124, 88, 54],
        [178, 140, 88],
        [206, 178, 128],
        [120, 56, 30],
        [130, 126, 122],
        [196, 194, 190],
    ]
)
CLOTH_COLORS = np.array(
    [
        [16, 16, 18],
        [38, 40, 44],
        [90, 92, 96],
        [150, 150, 152],
        [225, 225, 222],
        [245, 245, 242],
        [24, 32, 60],
        [40, 62, 110],
        [70, 100, 150],
        [120, 30, 34],
        [170, 40, 44],
        [60, 80, 50],
        [100, 104, 70],
        [150, 130, 95],
        [196, 180, 150],
        [96, 66, 44],
    ]
)


def linear(rgb255: np.ndarray) -> np.ndarray:
    """sRGB bytes to linear light, 0..1."""
    return (np.asarray(rgb255, float) / 255) ** 2.2


_LANDMARK_HEIGHTS = {
    "foot.L": -0.745,
    "lowerleg01.L": -0.369,
    "upperleg01.L": 0.049,
    "spine01": 0.433,
    "clavicle.L": 0.519,
    "neck01": 0.589,
    "head": 0.697,
    "eye.L": 0.728,
}


def _reference_heights(rest: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Rest positions with heights mapped piecewise linearly onto the landmarks, sole -0.82 and crown 0.849."""
    bank = load_bank()
    own = [pivots[bank.bone(label), 2] for label in _LANDMARK_HEIGHTS]
    top = rest[bank.arrays["is_skin"], 2].max()
    out = rest.copy()
    out[:, 2] = np.interp(
        rest[:, 2], [-0.82, *own, top, top + 0.01], [-0.82, *_LANDMARK_HEIGHTS.values(), 0.849, 0.858]
    )
    return out


@dataclass(frozen=True)
class Regions:
    """Fields over the bank's vertices, on the mean body at rest (metres)."""

    rest: Float[np.ndarray, "V 3"]
    """Rest positions, heights rescaled so that landmarks lie at _LANDMARK_HEIGHTS whatever the bank's mean stature."""
    arm: Float[np.ndarray, " V"]
    """0 at the shoulder, 0.5 at the elbow, 1 at the wrist; -1 off the arms."""
    leg: Float[np.ndarray, " V"]
    """0 at the hip, 0.5 at the knee, 1 at the ankle, above on the foot; 0 off the legs."""
    head: Float[np.ndarray, " V"]
    """Height above the hairline; positive where hair grows."""
    tights: Int[np.ndarray, " T"]
    scalp: Int[np.ndarray, " S"]
    locks: Int[np.ndarray, " H"]
    tights_faces: Int[np.ndarray, "F 3"]
    scalp_faces: Int[np.ndarray, "F2 3"]
    locks_faces: Int[np.ndarray, "F3 3"]
    skin_faces: Int[np.ndarray, "F4 3"]
    waves: Float[np.ndarray, "V 6"]
    """Smooth noise fields of zero mean, about 6 cm to 20 cm long, for wrinkles and blotches."""


def _limb(rest: np.ndarray, pivots: np.ndarray, dominant: list[str], side: str, names: tuple, members: tuple) -> tuple:
    bank = load_bank()
    near, middle, far = (pivots[bank.bone(f"{name}.{side}")] for name in names)
    inside = np.array([label.endswith("." + side) and label.startswith(members) for label in dominant])
    upper, lower = middle - near, far - middle
    first = (rest - near) @ upper / (upper @ upper)
    second = (rest - middle) @ lower / (lower @ lower)
    return inside, np.maximum(np.where(first < 1, 0.5 * first, 0.5 + 0.5 * np.maximum(second, 0)), 0)


def _hairline(y: np.ndarray) -> np.ndarray:
    """Height above which hair grows, by distance to the front (y)."""
    return np.interp(y, [-0.16, -0.11, -0.07, -0.045, 0.0, 0.06], [0.812, 0.802, 0.775, 0.735, 0.69, 0.655])


def _patch(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The faces whose corners all belong to a vertex set, renumbered within the vertices they use."""
    chosen = faces[np.isin(faces, vertices).all(1)]
    used = np.unique(chosen)
    return used, np.searchsorted(used, chosen).astype(np.int32)


@cache
def regions() -> Regions:
    """The fields of the shipped bank."""
    bank = load_bank()
    mean = bank.mean_rest()
    rest = mean.vertices.astype(np.float64)
    dominant = [bank.labels[i] for i in bank.bones[:, 0]]
    arm, leg = np.full(len(rest), -1.0), np.zeros(len(rest))
    for side in "LR":
        inside, along = _limb(rest, mean.pivots, dominant, side, ("upperarm01", "lowerarm01", "wrist"),
                              ("upperarm", "lowerarm", "wrist", "finger", "metacarpal"))  # fmt: skip
        arm[inside] = along[inside]
        inside, along = _limb(rest, mean.pivots, dominant, side, ("upperleg01", "lowerleg01", "foot"),
                              ("upperleg", "lowerleg", "foot", "toe"))  # fmt: skip
        leg[inside] = along[inside]
    feet = np.array([label.startswith(("foot", "toe")) for label in dominant])
    leg[feet] = np.maximum(leg[feet], 1.02)
    rest = _reference_heights(rest, mean.pivots)
    above = rest[:, 2] - _hairline(rest[:, 1])
    ears = bank.arrays["masks"][:, list(bank.arrays["mask_names"]).index("ears")] > 100
    above[ears & bank.arrays["is_skin"]] = -0.01
    skin_faces = bank.arrays["skin_faces"].astype(np.int32)
    on_head = np.flatnonzero(
        bank.arrays["is_skin"] & (above > -0.03) & (rest[:, 2] > 0.64) & (np.abs(rest[:, 0]) < 0.13)
    )
    scalp, scalp_faces = _patch(on_head, skin_faces)
    tights, tights_faces = _patch(np.unique(bank.arrays["tights_faces"]), bank.arrays["tights_faces"].astype(np.int32))
    locks, locks_faces = _patch(np.unique(bank.arrays["hair_faces"]), bank.arrays["hair_faces"].astype(np.int32))
    rng = np.random.default_rng(7)
    waves = np.stack([_wave(rng, rest, k) for k in (30.0, 45.0, 60.0, 60.0, 90.0, 110.0)], 1)
    return Regions(
        rest, arm, leg, above, tights, scalp, locks, tights_faces, scalp_faces, locks_faces, skin_faces, waves
    )


def _wave(rng: np.random.Generator, rest: np.ndarray, frequency: float) -> np.ndarray:
    directions = rng.normal(size=(5, 3))
    directions *= frequency / np.linalg.norm(directions, axis=1, keepdims=True)
    return np.sin(rest @ directions.T + rng.uniform(0, 6.28, 5)).mean(1)


@dataclass(frozen=True)
class Garment:
    """One piece of cloth over the tights mesh."""

    color: np.ndarray
    second: np.ndarray
    texture: int
    scale: float
    bump: float
    offset: float
    """Distance from the skin, metres."""
    loose: float
    """Additional distance far from the waist or shoulders, metres."""
    wrinkle: float
    length: float
    """Legs: 0..1.05 down the leg. Shirt: height of the hem at rest, metres."""
    sleeve: float = 0.0
    """How far down the arm, 0..1."""
    neck: float = 0.59
    """Shirt: height of the collar at rest; trousers: height of the waist."""
    straps: float = 0.3
    """Shirt without sleeves: half the distance between the outer edges of its shoulder straps, metres."""


@dataclass(frozen=True)
class Look:
    """Everything that stays the same about a dressed person."""

    tone: np.ndarray
    hair_color: np.ndarray
    hair: str
    hair_cut: float
    hair_thickness: float
    beard: float
    headwear: str
    headwear_color: np.ndarray
    trousers: Garment
    shirt: Garment | None
    shoe_color: np.ndarray | None
    sole_color: np.ndarray
    sock: float
    waves: np.ndarray


def _color(rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.55:
        base = CLOTH_COLORS[rng.integers(len(CLOTH_COLORS))] * rng.uniform(0.8, 1.05)
    else:
        saturation, value = rng.beta(2, 1.5), rng.uniform(60, 240)
        hue = rng.random(3)
        base = value * (1 - saturation * (1 - hue / hue.max()))
    return linear(np.clip(base, 6, 250))


def _cloth(rng: np.random.Generator, plain: float, **shape) -> Garment:
    texture = textures.PLAIN if rng.random() < plain else int(rng.choice(textures.CLOTH))
    return Garment(color=_color(rng), second=_color(rng), texture=texture, scale=float(rng.uniform(0.8, 3.0)),
                   bump=float(rng.uniform(0.2, 1.0)), **shape)  # fmt: skip


def _sample_trousers(rng: np.random.Generator, female: bool) -> Garment:
    length = float(rng.choice([0.10, 0.22, 0.32, 0.44, 0.52, 0.78, 0.94, 0.99, 1.02],
                              p=[0.04, 0.10, 0.13, 0.10, 0.05, 0.06, 0.16, 0.20, 0.16]))  # fmt: skip
    tight = rng.random() < (0.45 if female else 0.2)
    return _cloth(
        rng,
        0.75,
        offset=0.002 if tight else float(rng.uniform(0.005, 0.012)),
        loose=0.0 if tight else float(rng.uniform(0.004, 0.035)),
        wrinkle=0.0005 if tight else float(rng.uniform(0.002, 0.007)),
        length=length,
        neck=float(rng.uniform(0.13, 0.22)),
    )


def _sample_shirt(rng: np.random.Generator, female: bool) -> Garment | None:
    if not female and rng.random() < 0.15:
        return None
    kind = rng.choice(["tee", "long", "tank", "polo", "jumper", "crop"], p=[0.36, 0.24, 0.12, 0.08, 0.15, 0.05])
    if kind == "crop" and not female:
        kind = "tee"
    sleeve = {
        "tee": rng.uniform(0.2, 0.42),
        "long": rng.uniform(0.85, 0.99),
        "tank": 0.02,
        "polo": rng.uniform(0.25, 0.4),
        "jumper": rng.uniform(0.9, 1.0),
        "crop": 0.02,
    }[kind]
    thick = kind == "jumper"
    hem = rng.uniform(0.30, 0.38) if kind == "crop" else rng.uniform(-0.08, 0.12)
    return _cloth(
        rng,
        0.45,
        offset=float(rng.uniform(0.010, 0.016) if thick else rng.uniform(0.004, 0.010)),
        loose=float(rng.uniform(0.0, 0.03)),
        wrinkle=float(rng.uniform(0.001, 0.006)),
        length=float(hem),
        sleeve=float(sleeve),
        neck=float(rng.uniform(0.50, 0.57) if kind in ("tank", "crop") else rng.uniform(0.555, 0.61)),
        straps=float(rng.uniform(0.10, 0.145)) if kind in ("tank", "crop") else 0.3,
    )


def sample_look(rng: np.random.Generator, female: bool) -> Look:
    """A dressed person; some go bare-chested, barefoot, capped or bald."""
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(tone)
    skin = SKIN_TONES[low] + (tone - low) * (SKIN_TONES[min(low + 1, len(SKIN_TONES) - 1)] - SKIN_TONES[low])
    dark_hair = tone > 3.2 and rng.random() < 0.9
    hair_color = HAIR_COLORS[rng.integers(3 if dark_hair else len(HAIR_COLORS))] * rng.uniform(0.8, 1.15)
    styles = ["long", "bob", "short", "bun", "buzz"] if female else ["short", "short", "buzz", "bald", "long"]
    odds = [0.42, 0.2, 0.16, 0.2, 0.02] if female else [0.4, 0.25, 0.18, 0.12, 0.05]
    hair = str(rng.choice(styles, p=odds))
    headwear = str(rng.choice(["none", "cap", "backward", "beanie", "helmet"], p=[0.78, 0.1, 0.03, 0.05, 0.04]))
    return Look(
        tone=linear(skin),
        hair_color=linear(hair_color),
        hair=hair,
        hair_cut=float(rng.uniform(0.30, 0.56) if hair == "long" else rng.uniform(0.56, 0.64)),
        hair_thickness=float(rng.uniform(0.006, 0.022)),
        beard=0.0 if female or rng.random() < 0.6 else float(rng.uniform(0.25, 0.95)),
        headwear=headwear,
        headwear_color=_color(rng),
        trousers=_sample_trousers(rng, female),
        shirt=_sample_shirt(rng, female),
        shoe_color=None if rng.random() < 0.12 else _color(rng),
        sole_color=linear(rng.choice([30, 90, 220, 240], p=[0.3, 0.15, 0.2, 0.35]) * np.ones(3)),
        sock=float(rng.choice([0.0, 0.93, 0.85, 0.7], p=[0.4, 0.3, 0.2, 0.1])),
        waves=rng.normal(size=6),
    )
