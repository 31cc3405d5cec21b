"""Contact sheets: look at hundreds of pictures with their joints before believing in any of them."""

from pathlib import Path

import cv2
import numpy as np

from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.skeleton import MPII16

LEFT, RIGHT, MIDDLE = (255, 120, 40), (60, 60, 255), (60, 220, 60)
"""BGR: left blue, right red, trunk and head green."""


def contact_sheet(
    folder: Path, out: Path, count: int = 64, columns: int = 8, joints: bool = True, first: int = 0
) -> Path:
    """Write a sheet of `count` pictures from `first` on; visible joints white, occluded ones black. Returns `out`."""
    data = StudioSet(folder, partial=True)
    if count < 1 or columns < 1 or not 0 <= first < len(data):
        raise InputError(
            "count and columns from 1 and first inside the set", f"{count}, {columns}, {first}", "change them"
        )
    pictures = []
    for i in range(first, min(first + count, len(data))):
        sample = data.load(i)
        picture = np.ascontiguousarray(sample.image[..., ::-1])
        if joints:
            draw_joints(picture, sample.joints_px, sample.occluded)
        pictures.append(picture)
    pictures += [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    sheet = np.vstack([np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)])
    if not cv2.imwrite(str(out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85]):
        raise InputError("a picture file to write (.jpg or .png)", str(out), "choose another --sheet")
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
