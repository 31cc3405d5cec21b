"""Pictures to learn detection from, put together from photos that show one labelled person each.

A canvas is cut into tiles, each with a people-free view and, over such a view, a photo or the figure cut out of one:
turned, mirrored, scaled so that its person is anything from small to too large. So one picture has several people of
many sizes with known boxes. Scraps of people-free views lie about in the shapes of photos and of figures, for an edge
where something was pasted must not say that somebody is there.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from wildpose.config import AugmentConfig
from wildpose.data.batches import recolour
from wildpose.data.degrade import add_noise, compress
from wildpose.data.sample import Sample
from wildpose.skeleton import MPII16

TILES, TILE_SHARES = (1, 2, 3, 4, 6), (0.5, 0.2, 0.1, 0.12, 0.08)
"""Tiles of a canvas, and how often there are so many."""
PEOPLE, PEOPLE_SHARES = (0, 1, 2), (0.2, 0.55, 0.25)
"""People in a tile, and how often there are so many; the second one is a figure, which may stand before the first."""
FIGURE_SHARE = 0.35
"""Share of the first people who are cut out of their photo, where all their joints are labelled."""
SCRAPS, SCRAPS_SHARES = (0, 1, 2), (0.6, 0.25, 0.15)
"""Scraps of people-free views in a tile, and how often there are so many."""
SMALLEST, LARGEST = 0.3, 1.3
"""Longer side of a person's box in shorter sides of the tile."""
SMALLEST_ALONE = 0.14
"""The same where the canvas is one tile."""
SMALLEST_PX = 14.0
TURN_SHARE, TURN_DEG = 0.5, 10.0
"""Share of the photos that are turned; standard deviation of the angle, cut at twice of it."""
SEEN = 0.4
"""A person of whose box less than this share is seen is neither to be found nor to be missed."""
SQUARE_SHARE, WIDEST = 0.4, 16 / 9
"""Share of the canvases that fill the square; the others leave black stripes at two sides, as wide photos do."""
HIDDEN = 0.6
"""Nor is one of whose box another figure's covers more than this share."""
COLOUR = AugmentConfig(colour=0.15, occlude_share=0.15)
DIM_SHARE, DIMMEST = 0.3, 3.0
"""Canvases seen in bad light, and its largest exponent: dark parts drown, or (by its inverse) bright ones wash out."""
POOR_SHARE = 0.3
"""Canvases with a poor camera's noise, and as many that are heavily compressed; blur would hide small people."""
GLARE_SHARE = 0.1
"""Canvases into which a lamp or the sun shines."""
CAMOUFLAGED, LIKENESS = 0.3, (0.5, 1.0)
"""Pasted people who are made as bright as what is behind them, and by how much of the difference."""
LIMB_WIDTH, HEAD_RADIUS, FEATHER, BEYOND = 0.14, 0.1, 0.012, 0.3
"""Of a cut-out figure, in longer sides of its box; how far hands and feet reach, in forearms and shins."""
LIMBS = MPII16.pairs(
    (f"{side}_{a}", f"{side}_{b}")
    for side in ("right", "left")
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
)
TRUNK = [MPII16.index(f"{side}_{joint}") for side in ("right", "left") for joint in ("shoulder", "hip")]
ENDS = {MPII16.index(f"{side}_{joint}") for side in ("right", "left") for joint in ("wrist", "ankle")}
NECK, HEAD_TOP = MPII16.index("upper_neck"), MPII16.index("head_top")


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


def joints_box(joints_px: Float[np.ndarray, "J 2"]) -> Float[np.ndarray, " 4"]:
    """Left, top, right, bottom of the joints (NaN: unlabelled), in or out of the picture: what the pose network's crops
    are laid around."""
    return np.concatenate([np.nanmin(joints_px, 0), np.nanmax(joints_px, 0)]).astype(np.float32)


def compose(rng: np.random.Generator, side: int, draw_person, draw_view) -> Scene:
    """One canvas. draw_person(rng) gives a Labelled, draw_view(rng) a people-free RGB picture of any size."""
    image = np.zeros((side, side, 3), np.uint8)
    certainty = np.ones((side, side), np.float32)
    boxes: list[np.ndarray] = []
    tiles = split(rng, canvas_rectangle(rng, side), int(rng.choice(TILES, p=TILE_SHARES)))
    for x0, y0, x1, y1 in tiles:
        size = (x1 - x0, y1 - y0)
        tile, sure = fitting_view(rng, draw_view(rng), size), np.ones(size[::-1], np.float32)
        in_tile = _fill(rng, tile, sure, draw_person, draw_view, SMALLEST_ALONE if len(tiles) == 1 else SMALLEST)
        boxes += [box + np.float32([x0, y0, x0, y0]) for box in in_tile]
        image[y0:y1, x0:x1], certainty[y0:y1, x0:x1] = tile, sure
    image = recolour(in_bad_light(rng, image), COLOUR, rng)
    for damage in (add_noise, compress):
        if rng.random() < POOR_SHARE:
            image = damage(image, rng)
    return Scene(image, np.float32(boxes).reshape(-1, 4), certainty)


def in_bad_light(rng: np.random.Generator, image: UInt8[np.ndarray, "S S 3"]) -> UInt8[np.ndarray, "S S 3"]:
    """Now and then dim or washed out, now and then with a glaring light in the picture."""
    if rng.random() < DIM_SHARE:
        exponent = DIMMEST ** rng.uniform(-1, 1)
        image = cv2.LUT(image, np.uint8(np.round(255 * (np.arange(256) / 255) ** exponent)))
    if rng.random() < GLARE_SHARE:
        side = image.shape[0]
        x, y = np.ogrid[:side, :side]
        middle, spread = rng.uniform(0, side, 2), side * rng.uniform(0.05, 0.4)
        light = np.exp(-np.hypot(x - middle[0], y - middle[1]) / spread) * rng.uniform(0.4, 1.2)
        veiled = image + light[..., None] * (np.float32([255, 240, 210]) - image)
        image = np.clip(np.round(veiled), 0, 255).astype(np.uint8)
    return image


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


def _fill(rng: np.random.Generator, tile, sure, draw_person, draw_view, smallest: float) -> list[np.ndarray]:
    """Scraps and people into a tile, in place; the people's boxes in it."""
    height, width = tile.shape[:2]
    people = [draw_person(rng) for _ in range(int(rng.choice(PEOPLE, p=PEOPLE_SHARES)))]
    for _ in range(int(rng.choice(SCRAPS, p=SCRAPS_SHARES))):
        shape = _figure(_joints_somewhere(rng, draw_person(rng), (width, height)), (width, height))
        if shape is None or rng.random() < 0.5:
            shape = _rectangle(rng, (width, height))
        _blend(tile, fitting_view(rng, draw_view(rng), (width, height)), shape)
    boxes: list[np.ndarray] = []
    for i, person in enumerate(people):
        box = paste(rng, tile, sure, person, smallest, cut_out=i > 0 or rng.random() < FIGURE_SHARE)
        hidden = [b for b in boxes if box is not None and _shared(b, box) > HIDDEN]
        for x0, y0, x1, y1 in (_cells(b) for b in hidden):
            sure[y0:y1, x0:x1] = 0.0
        boxes = [b for b in boxes if not any(b is h for h in hidden)] + ([box] if box is not None else [])
    return boxes


def _blend(tile: np.ndarray, picture: np.ndarray, share: Float[np.ndarray, "H W"]) -> None:
    """Lay a picture over a tile, in place, by so much as each px's share (0 to 1)."""
    tile[:] = np.round(tile + share[..., None] * (picture.astype(np.float32) - tile))


def _as_bright_as(rng: np.random.Generator, picture: np.ndarray, tile: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The picture with the mean colour, where it will lie, moved towards the tile's."""
    weight = share / max(float(share.sum()), 1.0)
    missing = np.tensordot(weight, tile.astype(np.float32) - picture, 2)
    return np.clip(picture + rng.uniform(*LIKENESS) * missing, 0, 255)


def _cells(box_ltrb: np.ndarray) -> tuple[int, int, int, int]:
    x0, y0 = np.maximum(np.floor(box_ltrb[:2]), 0).astype(int).tolist()
    x1, y1 = np.maximum(np.ceil(box_ltrb[2:]), 0).astype(int).tolist()
    return x0, y0, x1, y1


def _shared(a_ltrb: np.ndarray, b_ltrb: np.ndarray) -> float:
    """Share of box a that box b covers."""
    both = np.maximum(np.minimum(a_ltrb[2:], b_ltrb[2:]) - np.maximum(a_ltrb[:2], b_ltrb[:2]), 0).prod()
    return float(both / max(float((a_ltrb[2:] - a_ltrb[:2]).prod()), 1.0))


def _rectangle(rng: np.random.Generator, size_wh: tuple[int, int]) -> Float[np.ndarray, "H W"]:
    """A turned rectangle somewhere in a tile, as a photo's edge would be."""
    size = np.exp(rng.uniform(np.log(0.15), np.log(0.8), 2)) * min(size_wh)
    turn = float(np.clip(rng.normal(), -2, 2) * TURN_DEG) if rng.random() < TURN_SHARE else 0.0
    middle = rng.uniform(0, 1, 2) * size_wh
    corners = cv2.boxPoints((tuple(middle.tolist()), tuple(size.tolist()), turn))
    shape = np.zeros(size_wh[::-1], np.uint8)
    cv2.fillConvexPoly(shape, np.int32(np.round(corners)), 1)
    return shape.astype(np.float32)


def _joints_somewhere(rng: np.random.Generator, person: Labelled, size_wh: tuple[int, int]) -> np.ndarray:
    """Somebody's joints (16, 2) brought to a random size and place in a tile, NaN where unlabelled."""
    joints = np.where(person.sample.mask[:, None], person.sample.joints_px, np.nan).astype(np.float64)
    low, high = np.nanmin(joints, 0), np.nanmax(joints, 0)
    longer = np.exp(rng.uniform(np.log(SMALLEST), 0.0)) * min(size_wh)
    return (joints - (low + high) / 2) * longer / max(float((high - low).max()), 1.0) + rng.uniform(0, 1, 2) * size_wh


def _figure(joints_px: Float[np.ndarray, "16 2"], size_wh: tuple[int, int]) -> Float[np.ndarray, "H W"] | None:
    """About the shape of a person from the joints, soft at the edge; None where one that it takes is unlabelled."""
    needed = joints_px[[*TRUNK, *np.ravel(LIMBS), NECK, HEAD_TOP]]
    if not np.isfinite(needed).all():
        return None
    longer = float((needed.max(0) - needed.min(0)).max())
    width = max(1, round(LIMB_WIDTH * longer))
    shape = np.zeros(size_wh[::-1], np.uint8)
    trunk = cv2.convexHull(np.int32(np.round(joints_px[TRUNK])))
    cv2.fillConvexPoly(shape, trunk, 255)
    cv2.polylines(shape, [trunk], True, 255, width)
    for near, far in LIMBS:
        end = joints_px[far] + BEYOND * (joints_px[far] - joints_px[near]) * (far in ENDS)
        cv2.line(shape, _whole(joints_px[near]), _whole(end), 255, width)
    cv2.line(shape, _whole(joints_px[NECK]), _whole(joints_px[HEAD_TOP]), 255, width)
    cv2.circle(shape, _whole(joints_px[[NECK, HEAD_TOP]].mean(0)), max(1, round(HEAD_RADIUS * longer)), 255, -1)
    return cv2.GaussianBlur(shape, (0, 0), max(0.4, FEATHER * longer)).astype(np.float32) / 255


def _whole(point: np.ndarray) -> tuple[int, int]:
    x, y = np.round(np.clip(point, -4096, 4096)).astype(int).tolist()
    return x, y


def paste(
    rng: np.random.Generator,
    tile: np.ndarray,
    sure: np.ndarray,
    person: Labelled,
    smallest: float,
    cut_out: bool = False,
) -> np.ndarray | None:
    """Lay a photo over a tile, in place, or the figure cut out of it if every joint is labelled. Returns the person's
    box in it (left, top, right, bottom), or None where too little is seen of the person: then nothing is certain
    there."""
    height, width = tile.shape[:2]
    picture = person.sample.image_rgb
    joints = np.where(person.sample.mask[:, None], person.sample.joints_px, np.nan).astype(np.float64)
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
    share = _figure(joints, (width, height)) if cut_out else None
    share = covered.astype(np.float32) if share is None else share * covered
    if rng.random() < CAMOUFLAGED:
        pasted = _as_bright_as(rng, pasted, tile, share)
    _blend(tile, pasted, share)
    np.putmask(sure, share > 0.1, person.certainty)
    box = joints_box(joints)
    x0, y0, x1, y1 = _cells(box)
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
