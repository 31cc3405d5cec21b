"""Contact sheets: look at hundreds of pictures with their joints before believing in any of them."""

from pathlib import Path

import cv2
import numpy as np

from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.studio.files import write_atomically

LEFT, RIGHT, MIDDLE = (255, 120, 40), (60, 60, 255), (60, 220, 60)
"""BGR: left blue, right red, trunk and head green."""


MOST = 400
"""Pictures on one sheet: with eight 1,024 px pictures a row it stays below JPEG's 65,535 px."""


def contact_sheet(
    folder: Path, out: Path, count: int = 64, columns: int = 8, joints: bool = True, first: int = 0
) -> Path:
    """Write a sheet of `count` pictures from `first` on; visible joints white, occluded ones black; each with its
    number, subject and action. Returns `out`."""
    if out.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise InputError("a picture file to write (.jpg or .png)", str(out), "choose another --sheet")
    data = StudioSet(folder, partial=True)
    if not (1 <= count <= MOST and columns >= 1 and 0 <= first < len(data)):
        raise InputError(f"count from 1 to {MOST} and first from 0 to {len(data) - 1}", f"{count} and {first}",
                         "change them")  # fmt: skip
    pictures = []
    for i in range(first, min(first + count, len(data))):
        sample = data.load(i)
        picture = np.ascontiguousarray(sample.image[..., ::-1])
        if joints:
            draw_joints(picture, sample.joints_px, sample.occluded)
        draw_caption(picture, f"{i} {sample.subject} {sample.action}")
        pictures.append(picture)
    pictures += [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    sheet = np.vstack([np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)])
    options = [] if out.suffix.lower() == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 85]
    write_atomically(out, cv2.imencode(out.suffix, sheet, options)[1].tobytes())
    return out


def draw_joints(picture_bgr: np.ndarray, joints_px: np.ndarray, occluded: np.ndarray) -> None:
    """Draw the skeleton into a picture."""
    points = [tuple(point) for point in np.rint(joints_px).astype(int).tolist()]
    for child, parent in MPII16.bones:
        name = MPII16.joints[child]
        color = LEFT if name.startswith("left") else (RIGHT if name.startswith("right") else MIDDLE)
        cv2.line(picture_bgr, points[child], points[parent], color, 1, cv2.LINE_AA)
    for point, hidden in zip(points, occluded, strict=True):
        cv2.circle(picture_bgr, point, 2, (0, 0, 0) if hidden else (255, 255, 255), -1, cv2.LINE_AA)


def draw_caption(picture_bgr: np.ndarray, text: str) -> None:
    """Write a line at the lower left, readable on any ground."""
    for color, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        place = (4, len(picture_bgr) - 6)
        cv2.putText(picture_bgr, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, color, width, cv2.LINE_AA)
