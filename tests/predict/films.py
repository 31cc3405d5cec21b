"""What smoothing is worth where the errors are a network's own: rendered films of people who move, with their truth.

    python tests/predict/films.py --motion DATA/motion --films 24 --picture films.jpg

Each film shows one person of the outdoor train split for two seconds at 25 Hz, who does what a motion file says, walks
on at random and is followed by a camera that shakes; one place, one light, one camera's noise. Every frame is seen
as `wildpose predict` sees it, in a box that is a little wrong. Errors are of joints_mm against the truth at the size
that the network believes in, so that only the pose counts.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from wildpose import metrics
from wildpose.bench.smoothing import jitter_m_s2, smoothed
from wildpose.geometry import bone_length_sum
from wildpose.predict.crops import LEGACY_BONES, ImagePyramid, poses_in_crops
from wildpose.predict.estimator import PoseEstimator
from wildpose.predict.smooth import Smoothing
from wildpose.skeleton import MPII16
from wildpose.studio import protocol, shots
from wildpose.studio.appearance import sample_look
from wildpose.studio.bodies import load_bank
from wildpose.studio.develop import develop
from wildpose.studio.motion import Clip, load_motion
from wildpose.studio.panoramas import PACK
from wildpose.studio.poses import turn
from wildpose.studio.render import Person, frame_person, place, render
from wildpose.studio.scene import load_panoramas

RATE_HZ, FRAMES, SIDE_PX = 25.0, 50, 192
CMU_HZ, OTHERS_HZ = 120.0, 30.0
"""Frames a second of the motion files at hand: CMU's .amc; its walks as .bvh, and DeepMimic's."""
WALKS_M_S = 0.5
"""Standard deviation of the speed at which the person moves away from where the file has them."""


@dataclass(frozen=True)
class Film:
    name: str
    pictures: list[np.ndarray]
    joints_px: Float[np.ndarray, "T 16 2"]
    joints_mm: Float[np.ndarray, "T 16 3"]
    """Relative to the pelvis, camera axes."""


def between(a: Float[np.ndarray, "13 3 3"], b: Float[np.ndarray, "13 3 3"], share: float) -> np.ndarray:
    """Each segment turned part of the way from one pose to another."""
    turns = [cv2.Rodrigues(x.T @ y)[0] for x, y in zip(a, b, strict=True)]
    return np.stack([x @ cv2.Rodrigues(t * share)[0] for x, t in zip(a, turns, strict=True)])


def poses_over_time(clip: Clip, rng: np.random.Generator) -> Float[np.ndarray, "T 13 3 3"]:
    """From a random moment of the clip on; a short one goes back and forth."""
    rate_hz = CMU_HZ if clip.name.startswith(("01_", "02_", "03_")) else OTHERS_HZ
    last, step = len(clip.poses) - 1, rate_hz / RATE_HZ
    at = rng.uniform(0, max(last - step * FRAMES, 1e-3)) + step * np.arange(FRAMES)
    at = last - np.abs(at % (2 * last) - last)
    low = np.minimum(at.astype(int), last - 1)
    return np.stack([between(*clip.poses[i : i + 2].astype(float), t - i) for i, t in zip(low, at, strict=True)])


def film(world: shots.World, clips: list[Clip], rng: np.random.Generator) -> Film:
    clip = clips[rng.integers(len(clips))]
    poses = turn("z", rng.uniform(-180, 180)) @ poses_over_time(clip, rng)
    body = int(rng.integers(protocol.FIRST_CROWD_BODY, load_bank().count))
    first = Person(body, sample_look(rng, bool(load_bank().female[body])), poses[0], np.zeros(2))
    way = rng.normal(0, WALKS_M_S, 2) / RATE_HZ
    people = [replace(first, pose=pose, ground_xy=way * (k - FRAMES / 2)) for k, pose in enumerate(poses)]
    camera = shots._outdoor_camera(rng, place(people[FRAMES // 2]))
    scene = str(rng.choice(protocol.SCENES, p=[0.04, 0.26, 0.7]))
    around = shots._surroundings(world, rng, scene, camera)
    share, shift, gain = rng.uniform(0.55, 0.8), rng.uniform(-0.6, 0.6, 2), rng.uniform(0.7, 1.3)
    rough, noise = rng.uniform(0, 1), int(rng.integers(2**31))
    pictures, truths = [], []
    for person in people:
        posed = place(person)
        shift = np.clip(shift + rng.normal(0, 0.03, 2), -0.9, 0.9)
        seen_by, box_xywh = frame_person(posed, camera, SIDE_PX, share, shift)
        truths.append(render(posed, [], seen_by, box_xywh, around, gain, SIDE_PX))
        pictures.append(develop(np.random.default_rng(noise), truths[-1].image, rough))
    cam_mm = np.stack([truth.joints_cam_mm for truth in truths])
    pelvis = MPII16.index("pelvis")
    return Film(clip.name, pictures, np.stack([t.joints_px for t in truths]), cam_mm - cam_mm[:, pelvis : pelvis + 1])


def predicted(estimator: PoseEstimator, shown: Film, rng: np.random.Generator) -> Float[np.ndarray, "T 16 3"]:
    low, high = shown.joints_px.min(1), shown.joints_px.max(1)
    size = (high - low).max(1, keepdims=True)
    boxes = np.concatenate([low, np.maximum(high - low, 0.2 * size)], 1) + rng.normal(0, 0.03, (FRAMES, 4)) * size
    people = [(ImagePyramid(picture), box) for picture, box in zip(shown.pictures, boxes, strict=True)]
    return np.stack([pose.joints_mm for pose in poses_in_crops(estimator.model, people)]).astype(np.float64)


def sums(poses: np.ndarray) -> np.ndarray:
    return np.array([bone_length_sum(pose.astype(np.float64), LEGACY_BONES) for pose in poses])[:, None, None]


def judge(name: str, found: list[np.ndarray], truth: list[np.ndarray]) -> None:
    all_found, all_truth = np.concatenate(found), np.concatenate(truth)
    jitter = np.mean([jitter_m_s2(poses, RATE_HZ) for poses in found])
    errors = f"{metrics.mpjpe(all_found, all_truth):.1f} | {metrics.pa_mpjpe(all_found, all_truth):.1f}"
    print(f"| {name} | {errors} | {jitter:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--motion", type=Path, required=True)
    parser.add_argument("--films", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="default")
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    clips = [clip for clip in load_motion(given.motion) if protocol.clip_owner(clip.name) == "train"]
    clips = [clip for clip in clips if len(clip.poses) > 8]
    world = shots.make_world("outdoor", "train", given.seed, SIDE_PX, clips, load_panoramas(PACK))
    estimator, found, truth, strips = PoseEstimator(given.weights, threads=1), [], [], []
    for i in range(given.films):
        rng = np.random.default_rng([given.seed, i])
        shown = film(world, clips, rng)
        found.append(predicted(estimator, shown, rng))
        truth.append(shown.joints_mm * (sums(found[-1]) / sums(shown.joints_mm)))
        strips.append(np.hstack(shown.pictures[::7]))
    if given.picture:
        cv2.imwrite(str(given.picture), np.vstack(strips)[..., ::-1])
    print(f"{given.films} films of {FRAMES} frames at {RATE_HZ:g} Hz, seed {given.seed}, {estimator.model.info.name}")
    print("| | P1, mm | P2, mm | jitter, m/s2 |\n| --- | ---: | ---: | ---: |")
    judge("the truth", truth, truth)
    judge("not smoothed", found, truth)
    for name, ahead in (("a file", Smoothing().ahead_frames), ("a camera", 0)):
        settings = replace(Smoothing(), ahead_frames=ahead)
        judge(name, [smoothed(poses, RATE_HZ, settings) for poses in found], truth)
    for cutoff_hz, beta in ((0.5, 1.0), (0.5, 3.0), (1.5, 1.0), (3.0, 3.0)):
        settings = Smoothing(min_cutoff_hz=cutoff_hz, beta=beta)
        steady = [smoothed(poses, RATE_HZ, settings) for poses in found]
        judge(f"a file, min_cutoff_hz {cutoff_hz:g}, beta {beta:g}", steady, truth)


if __name__ == "__main__":
    main()
