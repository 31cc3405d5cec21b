"""Who a rendered person is, in groups that an evaluation can be split by: skin tone, build, stature, age, sex.

Measured on what is rendered, not on what it was drawn from: the colour of the skin and the shape of the body at rest.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float

SKIN_TONES = {"very light": 55.0, "light": 41.0, "intermediate": 28.0, "tan": 10.0, "brown": -30.0, "dark": -90.0}
"""Individual typology angle (degrees) above which a skin has the name: Del Bino & Bernerd, Br. J. Dermatology 2013."""
BUILDS = {"slight": 19.5, "medium": 22.0, "sturdy": 25.0, "heavy": np.inf}
"""Body mass index (kg / m2) below which a body has the name."""
AGES = {"younger": 0.72, "middle": 0.82, "older": np.inf}
"""Anny's parameter of age (0.60 to 0.95 in the bank) below which a body has the name: about thirds of its adults."""
STATURES = {"under 1.65 m": 1650.0, "1.65 to 1.80 m": 1800.0, "over 1.80 m": np.inf}
"""Stature (mm) below which a person has the name; sets keep the figure itself."""
SEXES = ("female", "male")
DENSITY_KG_M3 = 985.0
"""Of a human body with half-filled lungs."""


@dataclass(frozen=True)
class Traits:
    """What is recorded of a person, under the names of the arrays of a set."""

    skin_tone: str
    skin_ita_deg: float
    build: str
    body_mass_index: float
    """kg / m2."""
    stature_mm: float
    age: str
    sex: str
    """MakeHuman's, of the body's shape."""


def traits(body: int, tone: Float[np.ndarray, " 3"]) -> Traits:
    """Of a body of the bank in a skin of that albedo, linear RGB."""
    from wildpose.studio.bodies import load_bank  # not above: whoever reads sets needs the groups' names, not numba

    bank = load_bank()
    angle, index = skin_ita_deg(tone), body_mass_index(body)
    return Traits(
        skin_tone=next(name for name, least in SKIN_TONES.items() if angle > least or name == "dark"),
        skin_ita_deg=angle,
        build=below(BUILDS, index),
        body_mass_index=index,
        stature_mm=1000.0 * float(bank.arrays["stature_m"][body]),
        age=below(AGES, float(bank.arrays["phenotype_age"][body])),
        sex=SEXES[0] if bank.female[body] else SEXES[1],
    )


def below(limits: dict[str, float], value: float) -> str:
    """The first name whose limit lies above the value."""
    return next(name for name, limit in limits.items() if value < limit)


def skin_ita_deg(tone: Float[np.ndarray, " 3"]) -> float:
    """Individual typology angle of a colour (linear RGB): arctan((L* - 50) / b*) in degrees, 90 white to -90 black."""
    srgb = (np.clip(tone, 0, 1) ** (1 / 2.2)).astype(np.float32).reshape(1, 1, 3)  # the inverse of appearance.linear
    lightness, _, yellow = map(float, cv2.cvtColor(srgb, cv2.COLOR_RGB2LAB)[0, 0])
    return float(np.degrees(np.arctan2(lightness - 50, max(yellow, 1e-6))))


@cache
def body_mass_index(body: int) -> float:
    """Of a body of the bank at rest, without clothes and hair, kg / m2."""
    from wildpose.studio.bodies import load_bank

    bank = load_bank()
    corners = bank.rest(body).vertices[bank.arrays["skin_faces"].astype(int)].astype(np.float64)
    volume_m3 = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    return float(DENSITY_KG_M3 * volume_m3 / float(bank.arrays["stature_m"][body]) ** 2)
