"""Tiling patterns for cloth, floors and walls: (T, 128, 128, 2) of mixing towards a second colour and of shading."""

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float

TILE = 128
PLAIN, STRIPES, PINSTRIPES, CHECK, PLAID, DOTS, BLOTCHES, KNIT, DENIM, TILES, BOARDS, BRICKS, FUR, SMOOTH = range(14)
CLOTH = (PLAIN, PLAIN, PLAIN, STRIPES, PINSTRIPES, CHECK, PLAID, DOTS, BLOTCHES, KNIT, DENIM)
FLOORS = (SMOOTH, TILES, BOARDS, BLOTCHES, PLAIN)
WALLS = (SMOOTH, SMOOTH, PLAIN, BRICKS, STRIPES, TILES)


def noise(rng: np.random.Generator, octaves: int, coarsest: int = 2) -> Float[np.ndarray, "128 128"]:
    """Tiling fractal noise in 0..1."""
    out = np.zeros((TILE, TILE))
    for octave in range(octaves):
        cells = coarsest * 2**octave
        if cells > TILE:
            break
        grid = rng.random((cells, cells))
        step = TILE // cells
        wide = cv2.resize(np.tile(grid, (3, 3)), (3 * TILE, 3 * TILE), interpolation=cv2.INTER_CUBIC)
        out += wide[TILE + step // 2 : 2 * TILE + step // 2, TILE + step // 2 : 2 * TILE + step // 2] / 2**octave
    return (out - out.min()) / np.ptp(out)


@cache
def textures() -> Float[np.ndarray, "T 128 128 2"]:
    """The patterns, in the order of the names above; the same in every process."""
    rng = np.random.default_rng(20260101)
    y, x = np.mgrid[0:TILE, 0:TILE]
    shade = 0.82 + 0.18 * noise(rng, 6)
    fine = 0.9 + 0.1 * rng.random((TILE, TILE))
    nothing = np.zeros((TILE, TILE))
    check = (((x * 4) // TILE + (y * 4) // TILE) % 2).astype(float)
    plaid = 0.5 * ((x * 6 // TILE) % 2 == 0) + 0.5 * ((y * 6 // TILE) % 2 == 0)
    dots = (np.hypot((x % 32) - 16, (y % 32) - 16) < 8).astype(float)
    blotches = cv2.GaussianBlur((noise(rng, 4, 4) > 0.52).astype(float), (0, 0), 1.0)
    joint = ((x % 32 < 1) | (y % 32 < 1)).astype(float)
    boards = ((y % 16 < 1) | ((x + 40 * (y // 16)) % 128 < 1)).astype(float)
    bricks = ((y % 16 < 2) | ((x + 16 * ((y // 16) % 2)) % 32 < 2)).astype(float)
    board_tone = 0.75 + 0.25 * rng.random(8)[(y // 16) % 8]
    layers = [
        (nothing, shade),
        (((y * 8 // TILE) % 2).astype(float), shade),
        ((x % 16 < 3).astype(float), shade),
        (check, shade),
        (plaid, shade),
        (dots, shade),
        (blotches, shade),
        (0.25 * ((y % 4 < 2) ^ (x % 4 < 2)), 0.75 + 0.25 * noise(rng, 6)),
        (0.3 * rng.random((TILE, TILE)), 0.7 + 0.3 * noise(rng, 6)),
        (joint, 0.9 + 0.1 * noise(rng, 6)),
        (boards, board_tone * fine),
        (bricks, 0.75 + 0.25 * noise(rng, 6, 8)),
        (0.3 * noise(rng, 6, 16), 0.45 + 0.55 * cv2.GaussianBlur(rng.random((TILE, TILE)), (0, 0), 0.8, sigmaY=3.0)),
        (nothing, 0.94 + 0.06 * noise(rng, 5)),
    ]
    return np.ascontiguousarray(np.stack([np.stack(layer, -1) for layer in layers]).astype(np.float32))
