"""Pictures of results: the photo with the 2D skeleton, and beside it each person in 3D from two sides."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from wildpose.predict.follow import Tracked
from wildpose.skeleton import MPII16
from wildpose.types import Pose3D
from wildpose.view3d import (
    INK,
    LEFT,
    PAPER,
    RIGHT,
    bone_color,
    disc,
    fade,
    mix,
    render_pose,
    side_color,
    taper,
    write_text,
)
from wildpose.write import whole_file

PICTURE_HEIGHT = (480, 1080)
"""A photo is drawn in its own size unless it is lower or higher than this."""
MOST_WIDTH = 16_000
"""A photo drawn is never wider: a JPEG can't be above 65,500."""
MOST_COLUMNS = 3
"""People that get a 3D view; the others are drawn in 2D only."""
SIDE_DEG = 68.0
"""How far the second 3D view is turned."""
SHEET_WIDTH = 1920
CLOSE_UP = 300
"""Height of the pictures of a contact sheet; the photo's part is 4 : 3."""
SMALLEST_WITH_LEGEND = 200
"""A 3D view lower than this shows neither axes nor legend: they wouldn't be readable."""


def draw_result(
    image_rgb: UInt8[np.ndarray, "H W 3"],
    people: Sequence[Tracked],
    columns: int = 1,
    height_range: tuple[int, int] = PICTURE_HEIGHT,
) -> UInt8[np.ndarray, "H2 W2 3"]:
    """The overlay picture. `columns` 3D views are reserved, so that all frames of a video have one size."""
    height = int(np.clip(image_rgb.shape[0], *height_range))
    zoom = min(height / image_rgb.shape[0], MOST_WIDTH / image_rgb.shape[1])
    size = max(1, round(image_rgb.shape[1] * zoom)), max(1, round(image_rgb.shape[0] * zoom))
    interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    photo = cv2.resize(image_rgb, size, interpolation=interpolation) if zoom != 1 else image_rgb.copy()
    for person in people:
        draw_skeleton(photo, person.pose, zoom)
        if columns > 1 or len(people) > 1:
            _draw_tag(photo, person, zoom)
    columns = int(np.clip(columns, 1, MOST_COLUMNS))
    shown = [*people[:columns], *[None] * (columns - len(people[:columns]))]
    below = max(height - photo.shape[0], 0)  # of a photo so low that at full height it would be too wide
    photo = cv2.copyMakeBorder(photo, 0, below, 0, 0, cv2.BORDER_CONSTANT, value=PAPER)
    return np.hstack([photo, *(_column(person, height, columns > 1) for person in shown)])


def draw_skeleton(picture: UInt8[np.ndarray, "H W 3"], pose: Pose3D, zoom: float = 1.0) -> None:
    """Draw a pose's 2D skeleton into a picture that is `zoom` times the photo. Unsure bones are transparent."""
    joints = (pose.joints_px.astype(np.float64) + 0.5) * zoom - 0.5
    extent = float((pose.joints_px.max(0) - pose.joints_px.min(0)).max()) * zoom
    radius = float(np.clip(extent * 0.011, 1.6, 9.0))
    sure = pose.confidence.tolist()
    for child, parent in sorted(MPII16.bones, key=lambda bone: -bone_depth(pose, bone)):
        strength = fade(min(sure[child], sure[parent]))
        color = bone_color(child, parent)
        ends = (joints[child], joints[parent])
        _blend(picture, ends, radius * 2.2, strength, lambda p, e: taper(p, e, (radius * 1.5,) * 2, (24, 24, 36)), 0.45)
        _blend(picture, ends, radius * 2.2, strength, lambda p, e, c=color: taper(p, e, (radius,) * 2, c), 1.0)
    for joint, at in enumerate(joints):
        strength, color = fade(sure[joint]), side_color(joint)
        _blend(picture, (at,), radius * 3, strength, lambda p, e: disc(p, e[0], radius * 1.7, (255, 255, 255)), 1.0)
        _blend(picture, (at,), radius * 3, strength, lambda p, e, c=color: disc(p, e[0], radius * 1.1, c), 1.0)


def bone_depth(pose: Pose3D, bone: tuple[int, int]) -> float:
    """Sum of the depths of a bone's ends: far bones are drawn first."""
    return float(pose.joints_mm[bone[0], 2] + pose.joints_mm[bone[1], 2])


def _blend(picture: np.ndarray, points, margin: float, strength: float, draw, opacity: float) -> None:
    """Draw on a copy of the part around the points, and lay it over the picture with strength * opacity."""
    low = np.floor(np.min(points, axis=0) - margin).astype(int)
    high = np.ceil(np.max(points, axis=0) + margin).astype(int) + 1
    x0, y0 = np.maximum(low, 0)
    x1, y1 = np.minimum(high, picture.shape[1::-1])
    if x0 >= x1 or y0 >= y1:
        return
    part = picture[y0:y1, x0:x1]
    drawn = part.copy()
    draw(drawn, [np.asarray(point) - (x0, y0) for point in points])
    part[:] = cv2.addWeighted(drawn, strength * opacity, part, 1 - strength * opacity, 0)


def _draw_tag(photo: np.ndarray, person: Tracked, zoom: float) -> None:
    """The person's number over the head, to be found again in the 3D views and the JSON."""
    x = float(person.pose.joints_px[:, 0].mean()) * zoom
    y = float(person.pose.joints_px[:, 1].min()) * zoom - 22
    center = np.clip([x, y], 14, np.array(photo.shape[1::-1]) - 14)
    disc(photo, center, 13.0, PAPER)
    text = str(person.id)
    at = round(float(center[0]) - 4.6 * len(text)), round(float(center[1]) + 5)
    write_text(photo, text, at, 0.5, INK)


def _column(person: Tracked | None, height: int, numbered: bool) -> UInt8[np.ndarray, "H W 3"]:
    """Two 3D views of a person, one above the other."""
    halves = (height // 2, height - height // 2)
    width = round(halves[0] * 0.86)
    if person is None:
        return np.full((height, width, 3), PAPER, np.uint8)
    captions = ("seen by the camera", "seen from the right") if halves[0] >= SMALLEST_WITH_LEGEND else ("front", "side")
    name = f"{person.id}: " if numbered else ""
    mm, sure = person.pose.joints_mm, person.pose.confidence
    views = [
        render_pose(mm, sure, (half, width), azimuth, caption=name + caption, axes=halves[0] >= SMALLEST_WITH_LEGEND)
        for half, azimuth, caption in zip(halves, (0.0, SIDE_DEG), captions, strict=True)
    ]
    column = np.vstack(views)
    column[halves[0]] = mix(PAPER, INK, 0.25)
    column[:, 0] = mix(PAPER, INK, 0.25)
    if halves[0] >= SMALLEST_WITH_LEGEND:
        _draw_legend(column)
    return column


def _draw_legend(column: np.ndarray) -> None:
    height, width = column.shape[:2]
    write_text(column, "grid 250 mm", (width - 92, height - 12), 0.38, INK)
    for k, (text, color) in enumerate((("right", RIGHT), ("left", LEFT))):
        disc(column, (18 + 58 * k, height - 16), 4.5, color)
        write_text(column, text, (27 + 58 * k, height - 12), 0.38, INK)


def draw_close_up(
    image_rgb: UInt8[np.ndarray, "H W 3"], people: Sequence[Tracked], columns: int = 1
) -> UInt8[np.ndarray, "H2 W2 3"]:
    """The overlay picture of the part of the image where the people are, small; one size for all images."""
    height, width = image_rgb.shape[:2]
    low, high = np.zeros(2), np.array([width, height], np.float64)
    if people:
        joints = np.concatenate([person.pose.joints_px for person in people])
        low, high = np.clip(joints.min(0), low, high), np.clip(joints.max(0), low, high)
    center, (w, h) = (low + high) / 2, (high - low) * 1.3
    tall = round(float(np.clip(max(h, w * 3 / 4), height / 3, max(height, width * 3 / 4))))
    wide = round(tall * 4 / 3)
    x, y = np.round(center - np.array([wide, tall]) / 2).astype(int).tolist()
    x, y = _inside(x, wide, width), _inside(y, tall, height)
    part = np.full((tall, wide, 3), PAPER, np.uint8)
    seen = image_rgb[max(y, 0) : y + tall, max(x, 0) : x + wide]
    part[max(-y, 0) :, max(-x, 0) :][: seen.shape[0], : seen.shape[1]] = seen
    zoom = CLOSE_UP / tall
    part = cv2.resize(part, (round(CLOSE_UP * 4 / 3), CLOSE_UP), interpolation=cv2.INTER_AREA)
    moved = []
    for person in people:
        joints_px = (person.pose.joints_px - np.array([x, y]) + 0.5) * zoom - 0.5
        moved.append(Tracked(person.id, replace(person.pose, joints_px=joints_px.astype(np.float32))))
    return draw_result(part, moved, columns, (CLOSE_UP, CLOSE_UP))


def _inside(start: int, size: int, limit: int) -> int:
    """Shift a range into [0, limit); one that doesn't fit is centred."""
    return min(max(start, 0), limit - size) if size <= limit else (limit - size) // 2


def contact_sheet(
    pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]], captions: Sequence[str]
) -> UInt8[np.ndarray, "H W 3"]:
    """Pictures of one size as a table at most SHEET_WIDTH wide, each with a caption."""
    gap, line = 6, 20
    height, width = pictures[0].shape[:2]
    across = max(1, (SHEET_WIDTH - gap) // (width + gap))
    rows = -(-len(pictures) // across)
    sheet = np.full((rows * (height + line + gap) + gap, across * (width + gap) + gap, 3), PAPER, np.uint8)
    for k, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = gap + (k // across) * (height + line + gap), gap + (k % across) * (width + gap)
        sheet[y : y + height, x : x + width] = picture
        write_text(sheet, caption, (x + 2, y + height + 15), 0.42, INK)
    return sheet


def write_picture(path: Path, picture_rgb: UInt8[np.ndarray, "H W 3"]) -> None:
    """JPEG or PNG by the ending, whole or not at all. Raises OSError if it can't be written."""
    picture_bgr = cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2BGR)
    encoded, content = cv2.imencode(path.suffix, picture_bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert encoded, path
    with whole_file(path) as temporary:
        temporary.write_bytes(content.tobytes())
