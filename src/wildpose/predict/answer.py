"""What the network says of some crops, and how that is read."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from wildpose.codec import HeatmapCodec
from wildpose.skeleton import MPII16

PELVIS = MPII16.index("pelvis")


class Answer(NamedTuple):
    """Outputs for N crops."""

    heatmaps: Float[np.ndarray, "N P h w"]
    depth: Float[np.ndarray, "N P"]
    """Relative to the pelvis in half crop sides, + = away."""
    pose: Float[np.ndarray, "N P 3"] | None = None
    """Relative to the pelvis in half crop sides; None from a network without a refiner."""

    def read(
        self, codec: HeatmapCodec
    ) -> tuple[Float[np.ndarray, "N P 2"], Float[np.ndarray, "N P"], Float[np.ndarray, "N P 3"]]:
        """Joints in crop px, their confidence, and the poses: refined, or else those joints lifted by their depth."""
        joints_crop_px, confidence = codec.decode(self.heatmaps)
        lifted = codec.lift(joints_crop_px.astype(np.float64), self.depth, PELVIS) if self.pose is None else self.pose
        return joints_crop_px, confidence, lifted
