"""Does the adversarial loss alone, on photos without any label, make poses in them better? Rendered photos know.

    python tests/adapt/unlabelled_trial.py NIGHT START OUT --outdoor OUTDOOR --seed 0 [--set adversarial_loss.weight=0]

NIGHT: a set of `wildpose data outdoor`, seen here as by a night camera (tests/adapt/proof.py; --look tape: as an old
video tape shows it). All but its last 600
pictures are the photos, without labels (--labelled: with their 2D; --told: with their 3D, beside as many of OUTDOOR, as
the most that could be hoped for); the last 600 are judged. OUTDOOR, in daylight, is the side with 3D labels. START: a
checkpoint of a network that never saw such photos. --judge: nothing is learnt, START is judged; with --blur on photos
that a Gaussian blur has smoothed. Ends with a line of means; OUT/errors.npz has each person's.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from proof import LOOKS, figures_of

from wildpose.adapt.settings import settings
from wildpose.config import override
from wildpose.data.kinds import KINDS_3D, Rendered
from wildpose.data.mix import Mixed, TrainData, bone_sum_mm
from wildpose.data.sample import Sample
from wildpose.data.studio import StudioSet
from wildpose.evaluate import predict_set
from wildpose.reproduce.network import load_network
from wildpose.train.loop import run_phase
from wildpose.train.start import read_start
from wildpose.train.threads import use_threads

JUDGED = 600
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]


class Photos:
    """Rows of a rendered set at night; looked at once, and kept."""

    def __init__(self, rendered, rows: np.ndarray, labels_2d: bool, labels_3d: bool, look: str, blur_px: float = 0.0):
        self.rendered, self.rows, self.labels_2d, self.labels_3d = rendered, rows, labels_2d, labels_3d
        self.look, self.blur_px = LOOKS[look], blur_px
        self.jpegs: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, i: int) -> Sample:
        row = int(self.rows[i])
        whole = self.rendered.load(row)
        if row not in self.jpegs:
            seen_rgb = self.look(whole.image_rgb, np.random.default_rng([7, row]))
            self.jpegs[row] = cv2.imencode(".jpg", seen_rgb[..., ::-1], QUALITY)[1]
        image = np.ascontiguousarray(cv2.imdecode(self.jpegs[row], cv2.IMREAD_COLOR)[..., ::-1])
        if self.blur_px:
            image = cv2.GaussianBlur(image, (0, 0), self.blur_px)
        return replace(
            whole,
            image_rgb=image,
            mask=whole.mask if self.labels_2d else np.zeros(16, bool),
            joints_cam_mm=whole.joints_cam_mm if self.labels_3d else None,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("night", "start", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--outdoor", type=Path, required=True)
    parser.add_argument("--look", choices=LOOKS, default="night")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--labelled", action="store_true")
    parser.add_argument("--told", action="store_true")
    parser.add_argument("--judge", action="store_true")
    parser.add_argument("--last", type=int, default=0, help="of NIGHT, with --judge; 0: all of it")
    parser.add_argument("--blur", type=float, default=0.0, metavar="PX", help="standard deviation")
    parser.add_argument("--set", nargs="*", default=[])
    given = parser.parse_args()
    use_threads(1)
    everyone = StudioSet(given.night)
    rows = np.arange(len(everyone))
    shown = Rendered(everyone, rows)  # not by its kind: with --judge, people to be tested on are asked about
    checkpoint, held_out = given.start, rows[-given.last :]
    if not given.judge:
        day, photos, held_out = KINDS_3D["outdoor"].open(given.outdoor)[0], rows[:-JUDGED], rows[-JUDGED:]
        config = settings(read_start(given.start).model, given.steps, (f"seed={given.seed}", *given.set))
        config = override(config, ("validate_every=1000000", "checkpoint_every_s=240"))
        labels_2d = given.labelled or given.told
        data = TrainData(
            wild=Photos(shown, photos, labels_2d, False, given.look),
            studio=Mixed([day, Photos(shown, photos, True, True, given.look)], [1, 1]) if given.told else day,
            bone_sum_mm=bone_sum_mm(day.joints_cam_mm),
        )
        checkpoint = run_phase(config, "adversarial", data, given.out, given.start)
    network = load_network(checkpoint, torch.device("cpu"))
    found, _, truth = predict_set(network, Photos(shown, held_out, True, True, given.look, given.blur))
    errors = figures_of(found, truth, network.info.bone_sum_mm)
    given.out.mkdir(parents=True, exist_ok=True)
    np.savez(given.out / f"errors-{given.night.name}.npz", **errors)
    print(" ".join([str(given.out), *(f"{name} {values.mean():.2f};" for name, values in errors.items())]))


if __name__ == "__main__":
    sys.exit(main())
