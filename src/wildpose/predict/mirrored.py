"""The field's flip test: a network asked twice, the second time about the mirrored crop."""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from wildpose.codec import HeatmapCodec
from wildpose.skeleton import MPII16


class Mirrored:
    """A network (anything with `info` and `run`, as OnnxModel) whose heatmaps and depth are averaged with those of the
    mirrored crops, brought back by exchanging left and right: more accurate, at nearly twice the time (README)."""

    def __init__(self, network: Any):
        self.network, self.info = network, network.info
        self.codec = HeatmapCodec(self.info.input_px, self.info.heatmap_px, self.info.sigma_px)

    def run(
        self, crops_rgb: UInt8[np.ndarray, "N H W 3"]
    ) -> tuple[Float[np.ndarray, "N P h w"], Float[np.ndarray, "N P"]]:
        n = len(crops_rgb)
        heatmaps, depth = self.network.run(np.concatenate([crops_rgb, crops_rgb[:, :, ::-1]]))
        mirrored_maps, mirrored_depth = heatmaps[n:, MPII16.mirror, :, ::-1], depth[n:, MPII16.mirror]
        return (heatmaps[:n] + mirrored_maps) / 2, (depth[:n] + mirrored_depth) / 2
