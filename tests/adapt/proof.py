"""Does adapting to photos with 2D labels make their depth better, too? Rendered photos of one kind of scene know.

    python tests/adapt/proof.py make DIR --photos 500 --scene indoor --look night
    wildpose adapt DIR/photos --labels DIR/labels.json --outdoor OUTDOOR --studio STUDIO --out DIR/night.onnx
    python tests/adapt/proof.py judge DIR DIR/night.onnx

`make` renders outdoor people of the train split with a seed of their own and keeps those of one scene kind, as JPEG
and COCO JSON. `--look night` gives them a night camera's grey, dark, noisy and blurred pictures, unlike all that the
shipped weights have seen, `tape` an old video tape's; `plain` leaves them. With --unlabelled N, N photos more lie in
DIR/unlabelled; with --unseen N, N more in DIR/unseen. `judge` looks at these, or else at the photos that adapt held
out, with their 3D.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from made_photos import name_of, write_labels, write_photos

from wildpose import metrics
from wildpose.adapt.photos import digests, split
from wildpose.data.own_photos import load_own
from wildpose.data.sample import Sample
from wildpose.data.studio import StudioSet
from wildpose.evaluate import PELVIS, Poses, Truth, predict_set
from wildpose.predict.onnx_model import OnnxModel
from wildpose.studio.generate import generate

SHARES = {"greenscreen": 0.04, "indoor": 0.26, "outdoor": 0.70}
"""Of the scene kinds in the train split."""
DRAWS = 2000


def night(image_rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a cheap infrared camera sees: grey, dark with lifted blacks, blurred, noisy, darker to the edges."""
    grey = cv2.GaussianBlur(image_rgb.mean(2).astype(np.float32), (0, 0), rng.uniform(0.8, 1.6))
    y, x = np.mgrid[-1 : 1 : 1j * grey.shape[0], -1 : 1 : 1j * grey.shape[1]]
    grey = 255 * (grey / 255) ** rng.uniform(1.3, 1.9) * (1 - 0.35 * (x * x + y * y) / 2)
    grey = 18 + 0.75 * grey + rng.normal(0, rng.uniform(6, 12), grey.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, 2)


def tape(image_rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As an old video tape shows: every second row, smeared colours, a tint, light overdriven, compressed."""
    rows = image_rgb[::2].astype(np.float32)
    rows = cv2.resize(rows, image_rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    light, colour = rows.mean(2, keepdims=True), rows - rows.mean(2, keepdims=True)
    smeared = np.roll(cv2.GaussianBlur(colour, (0, 0), rng.uniform(3, 6), sigmaY=0.5), int(rng.integers(2, 6)), 1)
    tint = rng.uniform(0.8, 1.15, 3).astype(np.float32)
    seen = np.clip(rng.uniform(1.2, 1.5) * (light - 20) + rng.uniform(0.6, 1.4) * smeared, 0, 255) * tint
    lines = rng.normal(0, rng.uniform(4, 9), (len(rows), 1, 1)) + rng.normal(0, 5, light.shape)
    picture = np.clip(seen + lines, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 35])[1], cv2.IMREAD_COLOR)


LOOKS = {"plain": lambda image, rng: image, "night": night, "tape": tape}


def make(
    out: Path, photos: int, unlabelled: int, unseen: int, scene: str, look: str, seed: int, motion: Path | None
) -> None:
    needed = photos + unlabelled + unseen
    images = round(1.15 * needed / SHARES[scene]) + 30
    rendered = StudioSet(generate("outdoor", out / "rendered", images, seed, motion=motion))
    rows = np.flatnonzero(rendered.scene == scene)[:needed]
    assert len(rows) == needed, f"{len(rows)} of {needed}: render more"
    write_photos(rendered, rows[:photos], out / "photos", LOOKS[look])
    write_labels(rendered, rows[:photos], out / "labels.json")
    if unlabelled:
        write_photos(rendered, rows[photos : photos + unlabelled], out / "unlabelled", LOOKS[look])
    if unseen:
        write_photos(rendered, rows[-unseen:], out / "unseen", LOOKS[look])
        write_labels(rendered, rows[-unseen:], out / "unseen.json")
    print(f"{out}: {photos} photos with 2D labels, {unlabelled} without, {unseen} unseen, {scene}, {look}")


class HeldOut:
    """The photos that nothing was learnt from, with their 3D."""

    def __init__(self, folder: Path):
        if (folder / "unseen").exists():
            self.people = load_own(folder / "unseen", folder / "unseen.json").people
        else:
            people = load_own(folder / "photos", folder / "labels.json").people
            self.people = people.take(split(people, digests(people))[1])
        self.rendered = StudioSet(folder / "rendered")

    def __len__(self) -> int:
        return len(self.people)

    def load(self, i: int) -> Sample:
        row = int(Path(str(self.people.images[i])).stem)
        assert self.people.images[i] == name_of(row)
        sample = self.people.load(i)
        every = np.ones(16, bool)
        truth = {"joints_px": self.rendered.joints_px[row], "joints_cam_mm": self.rendered.joints_cam_mm[row]}
        return replace(sample, mask=every, **truth)


def errors_of(weights: str, held_out: HeldOut) -> dict[str, np.ndarray]:
    model = OnnxModel.load(weights)
    found, _, truth = predict_set(model, held_out, flip=True)
    return figures_of(found, truth, model.info.bone_sum_mm)


def figures_of(found: Poses, truth: Truth, bone_sum_mm: float) -> dict[str, np.ndarray]:
    """Mean error of each person, mm: P1, P2, and along the camera's axis alone (scaled by the true bones)."""
    poses, cam = found.poses.astype(np.float64), truth.joints_cam_mm.astype(np.float64)
    in_mm = metrics.scale_poses(poses, "train-mean", bone_sum_mm, cam)
    true_size = metrics.scale_poses(poses, "ground-truth", bone_sum_mm, cam)
    z = true_size[..., 2] - (cam - cam[:, [PELVIS]])[..., 2]
    off = np.linalg.norm(found.joints_px - truth.joints_px, axis=-1)
    torsos = off / metrics.torso_diameter(truth.joints_px)[:, None]
    p1 = metrics.protocol1_errors(in_mm, cam)
    return {
        "P1, mm": p1.mean(1),
        "P2, mm": metrics.protocol2_errors(in_mm, cam).mean(1),
        "depth alone, mm": np.abs(z).mean(1),
        "PCK at 150 mm, %": 100 * (p1 < 150).mean(1),
        "2D, PCK@0.2 of the torso, %": 100 * (torsos < 0.2).mean(1),
        "2D, % of the torso": 100 * torsos.mean(1),
        "limb asymmetry, %": metrics.limb_asymmetry(poses).mean(1),
        "knees and elbows wrong, %": 100 * metrics.hinge_violations(poses).mean(1),
    }


def judge(out: Path, weights: list[str], start: str) -> None:
    held_out = HeldOut(out)
    before = errors_of(start, held_out)
    draws = np.random.default_rng(0).integers(0, len(held_out), (DRAWS, len(held_out)))
    told = {start: {name: float(values.mean()) for name, values in before.items()}}
    print(f"{len(held_out)} held-out people with 3D truth; change with its 95 % interval over people")
    for file in weights:
        after = errors_of(file, held_out)
        told[file] = {name: float(values.mean()) for name, values in after.items()}
        print(f"\n{file}")
        for name, values in after.items():
            change = values - before[name]
            low, high = np.percentile(change[draws].mean(1), [2.5, 97.5])
            figures = f"{before[name].mean():8.1f} -> {values.mean():8.1f}  {change.mean():+7.1f}"
            print(f"{name:<26}{figures}  [{low:+.1f}, {high:+.1f}]")
    (out / "proof.json").write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("out", type=Path)
    making.add_argument("--photos", type=int, default=500)
    making.add_argument("--unlabelled", type=int, default=0)
    making.add_argument("--unseen", type=int, default=0)
    making.add_argument("--scene", choices=SHARES, default="indoor")
    making.add_argument("--look", choices=LOOKS, default="night")
    making.add_argument("--seed", type=int, default=77)
    making.add_argument("--motion", type=Path)
    judging = commands.add_parser("judge")
    judging.add_argument("out", type=Path)
    judging.add_argument("weights", nargs="+")
    judging.add_argument("--start", default="default", help="what was adapted")
    given = vars(parser.parse_args())
    {"make": make, "judge": judge}[given.pop("command")](**given)
