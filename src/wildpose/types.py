"""What a user gets: one person's pose."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Pose3D:
    """One person in one image. Joints are the 16 of `wildpose.skeleton.MPII16`, in its order."""

    joints_px: Float[np.ndarray, "16 2"]
    """(x, y) in the caller's image, px, pixel centres at integers; a joint may lie outside the image."""
    joints_mm: Float[np.ndarray, "16 3"]
    """(x, y, z) relative to the pelvis in camera axes: +x right, +y down, +z away, mm."""
    confidence: Float[np.ndarray, " 16"]
    """Height of each joint's heatmap peak, 0 to 1."""
    box_xywh: Float[np.ndarray, " 4"]
    """The box around the person that was looked at: left, top, width, height in px."""
    score: float
    """Mean of the 16 confidences, before smoothing; not a probability."""
