"""Pictures to learn detection from, put together from photos that show one labelled person each.

A canvas is cut into tiles, each with a people-free view or, over such a view, a photo: turned, mirrored, scaled so that
its person is anything from small to too large. So one picture has several people of many sizes with exact boxes, edges
of photos mean nothing, and a person in the middle of a close photo is only one case of many.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from wildpose.config import AugmentConfig
from wildpose.data.batches import recolour
from wildpose.data.sample import Sample

TILES, TILE_SHARES = (1, 2, 3, 4, 6), (0.5, 0.2, 0.1, 0.12, 0.08)
"""Tiles of a canvas, and how often there are so many."""
EMPTY_SHARE = 0.2
"""Share of the tiles without a person."""
SMALLEST, LARGEST = 0.3, 1.3
"""Longer side of a person's box in shorter sides of the tile."""
SMALLEST_ALONE = 0.2
"""The same where the canvas is one tile."""
SMALLEST_PX = 14.0
TURN_SHARE, TURN_DEG = 0.5, 10.0
"""Share of the photos that are turned; standard deviation of the angle, cut at twice of it."""
SEEN = 0.4
"""A person of whose box less than this share is seen is neither to be found nor to be missed."""
SQUARE_SHARE, WIDEST = 0.4, 16 / 9
"""Share of the canvases that fill the square; the others leave black stripes at two sides, as wide photos do."""
COLOUR = AugmentConfig(colour=0.15, occlude_share=0.15)


@dataclass(frozen=True)
class Labelled:
    """A sample, and how sure it is that nobody else is in its picture (0 to 1)."""

    sample: Sample
    certainty: float


@dataclass(frozen=True)
class Scene:
    """A square picture of several people."""

    image_rgb: UInt8[np.ndarray, "S S 3"]
    boxes_ltrb: Float[np.ndarray, "N 4"]
    """Sides of the boxes of the people's joints, px; over the edge where the person is cut."""
    certainty: Float[np.ndarray, "S S"]
    """How sure it is at each px that nobody without a label is there."""


def joints_box(labelled_px: Float[np.ndarray, "J 2"]) -> Float[np.ndarray, " 4"]:
    """Left, top, right, bottom of the labelled joints, in or out of the picture: what the pose network's crops are laid
    around."""
    return np.concatenate([labelled_px.min(0), labelled_px.max(0)]).astype(np.float32)


def compose(rng: np.random.Generator, side: int, draw_person, draw_view) -> Scene:
    """One canvas. draw_person(rng) gives a Labelled, draw_view(rng) a people-free RGB picture of any size."""
    image = np.zeros((side, side, 3), np.uint8)
    certainty = np.ones((side, side), np.float32)
    boxes: list[np.ndarray] = []
    tiles = split(rng, canvas_rectangle(rng, side), int(rng.choice(TILES, p=TILE_SHARES)))
    for x0, y0, x1, y1 in tiles:
        size = (x1 - x0, y1 - y0)
        tile, sure = fitting_view(rng, draw_view(rng), size), np.ones(size[::-1], np.float32)
        if rng.random() >= EMPTY_SHARE:
            smallest = SMALLEST_ALONE if len(tiles) == 1 else SMALLEST
            box = paste(rng, tile, sure, draw_person(rng), smallest)
            boxes += [box + np.float32([x0, y0, x0, y0])] if box is not None else []
        image[y0:y1, x0:x1], certainty[y0:y1, x0:x1] = tile, sure
    return Scene(recolour(image, COLOUR, rng), np.float32(boxes).reshape(-1, 4), certainty)


def canvas_rectangle(rng: np.random.Generator, side: int) -> tuple[int, int, int, int]:
    """The part of the square that a letterboxed picture takes."""
    if rng.random() < SQUARE_SHARE:
        return 0, 0, side, side
    short = int(side / np.exp(rng.uniform(0, np.log(WIDEST))))
    start = (side - short) // 2
    return (start, 0, start + short, side) if rng.random() < 0.5 else (0, start, side, start + short)


def split(
    rng: np.random.Generator, rectangle: tuple[int, int, int, int], count: int
) -> list[tuple[int, int, int, int]]:
    """Cut a rectangle (x0, y0, x1, y1) into `count`, always the largest in two across its longer side."""
    tiles = [rectangle]
    while len(tiles) < count:
        tiles.sort(key=lambda t: (t[2] - t[0]) * (t[3] - t[1]))
        x0, y0, x1, y1 = tiles.pop()
        share = rng.uniform(0.35, 0.65)
        if x1 - x0 > y1 - y0:
            middle = x0 + int(share * (x1 - x0))
            tiles += [(x0, y0, middle, y1), (middle, y0, x1, y1)]
        else:
            middle = y0 + int(share * (y1 - y0))
            tiles += [(x0, y0, x1, middle), (x0, middle, x1, y1)]
    return tiles


def fitting_view(rng: np.random.Generator, view: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """A random part of a picture in the tile's shape, resized to it, mirrored every other time."""
    height, width = view.shape[:2]
    zoom = max(size_wh[0] / width, size_wh[1] / height) * rng.uniform(1.0, 1.6)
    w, h = min(width, max(1, int(size_wh[0] / zoom))), min(height, max(1, int(size_wh[1] / zoom)))
    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    part = cv2.resize(view[y : y + h, x : x + w], size_wh, interpolation=how)
    return np.ascontiguousarray(part[:, ::-1]) if rng.random() < 0.5 else part


def paste(
    rng: np.random.Generator, tile: np.ndarray, sure: np.ndarray, person: Labelled, smallest: float
) -> np.ndarray | None:
    """Lay a photo over a tile, in place. Returns the person's box in it (left, top, right, bottom), or None where too
    little is seen of the person: then nothing is certain there."""
    height, width = tile.shape[:2]
    picture, joints = person.sample.image_rgb, person.sample.joints_px[person.sample.mask].astype(np.float64)
    box = joints_box(joints)
    longer = float(max(box[2:] - box[:2]))
    wanted = min(width, height) * np.exp(rng.uniform(np.log(smallest), np.log(LARGEST)))
    zoom = max(wanted, SMALLEST_PX) / max(longer, 1.0)
    if zoom < 0.6:  # averaged first: bilinear sampling would skip pixels
        shape = (max(1, round(picture.shape[1] * zoom)), max(1, round(picture.shape[0] * zoom)))
        shrink = np.array(shape) / picture.shape[1::-1]
        picture = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)
        joints, zoom = (joints + 0.5) * shrink - 0.5, 1.0
    matrix = _placement(rng, joints, zoom, (width, height))
    joints = joints @ matrix[:, :2].T + matrix[:, 2]
    pasted = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    covered = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), matrix, (width, height)) // 255  # 1 or 0
    cv2.copyTo(pasted, covered, tile)
    np.putmask(sure, covered, person.certainty)
    box = joints_box(joints)
    x0, y0 = np.maximum(np.floor(box[:2]), 0).astype(int)
    x1, y1 = np.maximum(np.ceil(box[2:]), 0).astype(int)
    seen = covered[y0:y1, x0:x1].sum() / max(float(np.prod(box[2:] - box[:2])), 1.0)
    middle = (box[:2] + box[2:]) / 2
    if seen >= SEEN and (middle > 0).all() and (middle < (width, height)).all():
        return box
    sure[y0:y1, x0:x1] = 0.0
    return None


def _placement(
    rng: np.random.Generator, joints_px: np.ndarray, zoom: float, size_wh: tuple[int, int]
) -> Float[np.ndarray, "2 3"]:
    """The affine map from photo to tile: zoom, turn, mirror, and the box's middle somewhere in the tile."""
    turn = np.deg2rad(TURN_DEG) * np.clip(rng.normal(), -2, 2) if rng.random() < TURN_SHARE else 0.0
    c, s = zoom * np.cos(turn), zoom * np.sin(turn)
    linear = np.array([[c, s], [-s, c]]) @ np.diag([rng.choice([-1.0, 1.0]), 1.0])
    box = joints_box(joints_px @ linear.T)
    margin = np.minimum(0.35 * (box[2:] - box[:2]), np.array(size_wh) / 2)
    middle = rng.uniform(margin, np.array(size_wh) - margin)
    return np.column_stack([linear, middle - (box[:2] + box[2:]) / 2])
