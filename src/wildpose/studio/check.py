"""Verify a set on disk, as `wildpose data check` does."""

from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from wildpose.data.studio import StudioSet, read_manifest
from wildpose.errors import InputError

TOLERANCE_PX = 0.05


def check_set(folder: Path) -> str:
    """Read every byte of a set and hold its truth against itself; returns one line, raises InputError at the first
    fault."""
    manifest = read_manifest(folder)
    what, planned = f"{manifest['kind']} {manifest['split']}", f"partial, {manifest['images']} planned"
    if not manifest["shards"]:
        return f"{folder}: {what}, 0 pictures, {planned}"
    data = StudioSet(folder, partial=True)
    if manifest["complete"] and len(data) != manifest["images"]:
        raise InputError(f"{manifest['images']} pictures in {folder}", f"{len(data)}", "render the set again elsewhere")
    size = manifest["size_px"]
    for i in tqdm(range(len(data)), desc="check", unit="img", disable=None, leave=False):
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
    state = "complete" if manifest["complete"] else planned
    return f"{folder}: {what}, {len(data)} pictures, {state}; 3D projects within {error:.4f} px"


def reproject(data: StudioSet) -> np.ndarray:
    """Pixels (N, 16, 2) of the 3D joints through each picture's K."""
    seen = np.einsum("nab,njb->nja", data.K, data.joints_cam_mm.astype(np.float64))
    return seen[..., :2] / seen[..., 2:]
