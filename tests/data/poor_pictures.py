"""How much weights lose where the camera is poor: the held-out part of the training data, or LSP test, damaged.

    python tests/data/poor_pictures.py WEIGHTS... --lsp LSP --studio STUDIO [--test]

Every crop is damaged as in training (wildpose.data.degrade; all of them, the same for all weights), by one kind of
damage at its strongest setting's range and by all kinds together. `--test`: LSP 1001-2000 in place of its validation
photos, clean and with all kinds. As `wildpose predict` answers: averaged with the mirrored crops.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wildpose import metrics
from wildpose.data.degrade import DAMAGES, degrade
from wildpose.data.lsp import load_lsp
from wildpose.data.mix import build_data
from wildpose.evaluate import predict_set
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel


class PoorCamera:
    """A network before which a poor camera stands."""

    def __init__(self, network, damage: Callable):
        self.network, self.info, self.damage, self.seen = network, network.info, damage, 0

    def run(self, crops_rgb: np.ndarray):
        first, self.seen = self.seen, self.seen + len(crops_rgb)
        rngs = (np.random.default_rng([5, first + i]) for i in range(len(crops_rgb)))
        return self.network.run(np.stack([self.damage(crop, rng) for crop, rng in zip(crops_rgb, rngs, strict=True)]))


def figures(network, photos, people) -> str:
    told = []
    if photos is not None:
        found, _, truth = predict_set(network, photos)
        known = np.isfinite(truth.joints_px).all(-1) & truth.mask
        pck = metrics.pck_torso(found.joints_px, truth.joints_px.astype(np.float64), known, 0.2)
        told.append(f"PCK {np.nanmean(pck):5.1f}")
    if people is not None:
        if isinstance(network, PoorCamera):
            network.seen = 0
        found, _, truth = predict_set(network, people)
        cam = truth.joints_cam_mm.astype(np.float64)
        poses = metrics.scale_poses(found.poses.astype(np.float64), "train-mean", network.info.bone_sum_mm, cam)
        told.append(f"P1 {metrics.mpjpe(poses, cam):5.1f} P2 {metrics.pa_mpjpe(poses, cam):5.1f}")
    return " ".join(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--lsp", type=Path, required=True)
    parser.add_argument("--studio", type=Path)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    if given.test:
        photos, people, ways = load_lsp(given.lsp, "test"), None, {"all": degrade}
    else:
        data = build_data(lsp=given.lsp, studio=given.studio)
        photos, people = data.wild_val, data.studio_val
        ways = {"all": degrade} | {damage.__name__: damage for damage in DAMAGES}
    for weights in given.weights:
        network = Mirrored(OnnxModel.load(weights, given.threads))
        print(f"{weights:<40} {'clean':<10} {figures(network, photos, people)}", flush=True)
        for name, damage in ways.items():
            print(f"{'':<40} {name:<10} {figures(PoorCamera(network, damage), photos, people)}", flush=True)


if __name__ == "__main__":
    main()
