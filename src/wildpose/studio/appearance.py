"""What a person looks like: skin, face, hair, clothes, shoes, headwear, drawn from a random generator.

Clothes, hair and shoes are copies of parts of the body's mesh, pushed outwards, and cut along the fields of `regions`.
"""

from dataclasses import dataclass, replace

import numpy as np

from wildpose.studio import textures

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
    skirt: Garment | None
    """Over the trousers, which are then short and of the same cloth."""
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


def _sample_skirt(rng: np.random.Generator, shirt: Garment | None) -> Garment:
    """A skirt; one in three makes a dress of the shirt."""
    skirt = _cloth(
        rng,
        0.5,
        offset=0.010,
        loose=float(rng.uniform(0.005, 0.11)),
        wrinkle=0.0,
        length=float(rng.choice([rng.uniform(0.26, 0.40), rng.uniform(0.40, 0.60), rng.uniform(0.70, 0.92)],
                                p=[0.4, 0.45, 0.15])),
        neck=0.17,
    )  # fmt: skip
    if shirt and rng.random() < 0.35:
        skirt = replace(skirt, color=shirt.color, second=shirt.second, texture=shirt.texture, scale=shirt.scale)
    return skirt


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
    trousers, shirt = _sample_trousers(rng, female), _sample_shirt(rng, female)
    skirt = _sample_skirt(rng, shirt) if female and rng.random() < 0.22 else None
    if skirt:
        trousers = replace(skirt, texture=textures.PLAIN, offset=0.003, loose=0.0, length=0.2, neck=0.17)
        shirt = replace(shirt, length=max(shirt.length, 0.06)) if shirt else None
    return Look(
        tone=linear(skin),
        hair_color=linear(hair_color),
        hair=hair,
        hair_cut=float(rng.uniform(0.30, 0.56) if hair == "long" else rng.uniform(0.56, 0.64)),
        hair_thickness=float(rng.uniform(0.006, 0.022)),
        beard=0.0 if female or rng.random() < 0.6 else float(rng.uniform(0.25, 0.95)),
        headwear=headwear,
        headwear_color=_color(rng),
        trousers=trousers,
        shirt=shirt,
        skirt=skirt,
        shoe_color=None if rng.random() < 0.12 else _color(rng),
        sole_color=linear(rng.choice([30, 90, 220, 240], p=[0.3, 0.15, 0.2, 0.35]) * np.ones(3)),
        sock=float(rng.choice([0.0, 0.93, 0.85, 0.7], p=[0.4, 0.3, 0.2, 0.1])),
        waves=rng.normal(size=6),
    )
