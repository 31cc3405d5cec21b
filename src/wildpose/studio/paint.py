"""The colour of every skin vertex: blotches, lips, lids, brows, eyes, beard, cropped hair, socks."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float

from wildpose.studio.appearance import Look, linear
from wildpose.studio.bodies import load_bank
from wildpose.studio.regions import Regions, regions

EYE_HEIGHT, EYE_ASIDE, EYE_FRONT = 0.728, 0.031, -0.125
REDDER = np.array([1.0, 0.72, 0.68])


@dataclass(frozen=True)
class _Fixed:
    """What is the same for everyone: factors on the skin's tone, shares of other colours; (V, 1) or (V, 3) float32."""

    factor: np.ndarray
    brow: np.ndarray
    jaw: np.ndarray
    is_eye: np.ndarray
    eyes: np.ndarray
    waves: np.ndarray


@cache
def _fixed() -> _Fixed:
    r, bank = regions(), load_bank()
    names = list(bank.arrays["mask_names"])
    mask = {name: (bank.arrays["masks"][:, i] / 255.0)[:, None] for i, name in enumerate(names)}
    x, y, z = (r.rest[:, i : i + 1] for i in range(3))
    x = np.abs(x)
    front = y < -0.095
    cheeks = np.exp(-(((x - 0.045) / 0.02) ** 2) - ((z - 0.70) / 0.02) ** 2) * (y < -0.08)
    hands = np.clip((r.arm[:, None] - 1.0) / 0.1, 0, 1)
    socket = np.exp(-(((x - EYE_ASIDE) / 0.018) ** 2) - ((z - EYE_HEIGHT) / 0.010) ** 2) * front
    factor = (1 - 0.35 * cheeks * (1 - REDDER)) * (1 - 0.3 * hands * (1 - REDDER))
    factor = factor * (1 - 0.9 * mask["lips"] * (1 - np.array([0.78, 0.45, 0.45])))
    factor = factor * (1 - 0.35 * mask["eyelids"]) * (1 - 0.45 * mask["aureolae"] * (1 - REDDER * 0.7))
    factor = factor * (1 - 0.25 * socket)
    arch = 0.752 + 0.006 * np.cos((x - 0.034) / 0.022 * 1.4)
    brow = 0.8 * np.exp(-(((z - arch) / 0.0045) ** 2)) * (x > 0.010) * (x < 0.056) * front
    jaw = np.clip((0.700 - z) / 0.012, 0, 1) * np.clip((z - 0.612) / 0.012, 0, 1) * np.clip((-0.045 - y) / 0.02, 0, 1)
    jaw = jaw * (1 - mask["lips"])
    iris = (np.hypot(x - EYE_ASIDE, z - EYE_HEIGHT) < 0.0065) & (y < EYE_FRONT)
    eyes = np.where(iris, linear(np.array([40, 28, 20])), linear(np.array([225, 220, 215])))
    is_eye = bank.arrays["is_eye"]
    return _Fixed(*(a.astype(np.float32) for a in (factor, brow, jaw)), is_eye, eyes[is_eye].astype(np.float32),
                  r.waves.astype(np.float32))  # fmt: skip


def paint_skin(r: Regions, look: Look) -> Float[np.ndarray, "V 3"]:
    """Linear colour of every skin vertex of a person."""
    fixed = _fixed()
    hair = look.hair_color.astype(np.float32)
    blotch = 1 + 0.025 * (fixed.waves @ look.waves.astype(np.float32))
    color = (fixed.factor * blotch[:, None]) * look.tone.astype(np.float32)
    color += (hair * 0.7 - color) * fixed.brow
    if look.beard > 0:
        color += (hair - color) * (look.beard * fixed.jaw)
    if look.hair == "buzz":
        color += (hair - color) * (0.75 * np.clip(r.head[:, None] / 0.012, 0, 1))
    if look.sock > 0:
        socks = np.clip((r.leg[:, None] - look.sock) / 0.01, 0, 1)
        color += (look.sole_color * 0.8 - color) * socks
    color[fixed.is_eye] = fixed.eyes
    return color
