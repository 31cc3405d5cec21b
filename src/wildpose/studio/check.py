"""Verify a set on disk, as `wildpose data check` does."""

from pathlib import Path

import cv2
import numpy as np

from wildpose.data.studio import StudioSet
from wildpose.errors import InputError

TOLERANCE_PX = 0.05


def check_set(folder: Path) -> str:
    """Read every byte of a set and hold its truth against itself; returns one line, raises InputError at the first
    fault."""
    data = StudioSet(folder, partial=True)
    size = data.manifest["size_px"]
    for i in range(len(data)):
        picture = cv2.imdecode(data.jpeg(i), cv2.IMREAD_COLOR)
        if picture is None or picture.shape != (size, size, 3):
            raise InputError(
                f"picture {i} of {size} x {size} px in {folder}", "one that is not", "render its shard again"
            )
    error = float(np.abs(reproject(data) - data.joints_px).max())
    if not error <= TOLERANCE_PX:
        raise InputError(
            f"3D joints that project within {TOLERANCE_PX} px in {folder}", f"{error:.3f} px", "render it again"
        )
    state = "complete" if data.manifest["complete"] else f"partial, {data.manifest['images']} planned"
    what = f"{data.manifest['kind']} {data.manifest['split']}, {len(data)} pictures"
    return f"{folder}: {what}, {state}; 3D projects within {error:.4f} px"


def reproject(data: StudioSet) -> np.ndarray:
    """Pixels (N, 16, 2) of the 3D joints through each picture's K."""
    seen = np.einsum("nab,njb->nja", data.K, data.joints_cam_mm.astype(np.float64))
    return seen[..., :2] / seen[..., 2:]
