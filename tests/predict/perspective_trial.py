"""What it brings to know the camera, and what a wrong focal length costs: rendered people whose camera is known.

    python tests/predict/perspective_trial.py WEIGHTS SET [--validation] [--count N]
    python tests/predict/perspective_trial.py WEIGHTS LSP --photos [--count N]

SET: a folder of `wildpose data studio` or `outdoor`; --validation: its subject S8 alone, on whom nothing was trained.
Photos have no 3D truth: how much left and right limbs differ in length there is what reading in perspective should make
smaller.
Poses as `wildpose predict` gives them for the annotated boxes. Rows: as the network sees them in its crop; in the axes
of the true camera, of one whose focal length is wrong by a factor, and the same if it is marked as assumed.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from wildpose import metrics
from wildpose.data.lsp import load_lsp
from wildpose.data.studio import StudioSet
from wildpose.geometry import square_crop
from wildpose.predict.crops import ImagePyramid, pose_to_mm, poses_in_boxes
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel
from wildpose.predict.perspective import in_camera_axes
from wildpose.predict.placement import Camera, camera_with_fov

FACTORS, FAR = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0), 1e6
"""Focal lengths that are believed, in true ones."""


def camera_of(K: np.ndarray, factor: float, source: str) -> Camera:
    return Camera(K[0, 0] * factor, K[1, 1] * factor, K[0, 2], K[1, 2], source)


def on_rendered(network: Mirrored, folder: Path, validation: bool, count: int) -> None:
    people = StudioSet(folder)
    chosen = np.flatnonzero(people.subject == "S8") if validation else np.arange(len(people))
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(int)]
    rows: dict[str, list[np.ndarray]] = {}
    for i in chosen.tolist():
        sample = people.load(i)
        cameras = {"the crop alone": camera_of(sample.K, FAR, "given")}
        for source, name in (("given", "known"), ("assumed", "assumed")):
            cameras |= {f"{name}, focal length x {f:g}": camera_of(sample.K, f, source) for f in FACTORS}
        for name, joints_mm in seen_by(network, sample.image, sample.box_xywh, cameras).items():
            rows.setdefault(name, []).append(joints_mm)
    true_mm = people.joints_cam_mm[chosen].astype(np.float64)
    print(f"{folder.name}, {len(chosen)} people\n| camera | P1, mm | P2, mm |\n| --- | ---: | ---: |")
    for name, poses in rows.items():
        found = np.stack(poses).astype(np.float64)
        print(f"| {name} | {metrics.mpjpe(found, true_mm):.1f} | {metrics.pa_mpjpe(found, true_mm):.1f} |")


def on_photos(network: Mirrored, root: Path, count: int) -> None:
    photos, rows = load_lsp(root, "train"), {}
    chosen = np.linspace(0, len(photos) - 1, min(count, len(photos))).astype(int).tolist()
    for i in chosen:
        sample = photos.load(i)
        size_hw = sample.image_rgb.shape[:2]
        cameras = {"the crop alone": camera_with_fov(size_hw, 1e-4)}
        for fov_deg in (30.0, 60.0, 75.0):
            given = camera_with_fov(size_hw, fov_deg)
            cameras[f"{fov_deg:g} degrees, known"] = given
            cameras[f"{fov_deg:g} degrees, assumed"] = replace(given, source="assumed")
        for name, joints_mm in seen_by(network, sample.image_rgb, sample.box_xywh, cameras).items():
            rows.setdefault(name, []).append(joints_mm)
    print(f"LSP train, {len(chosen)} photos\n| camera | left and right limbs differ, % |\n| --- | ---: |")
    for name, poses in rows.items():
        print(f"| {name} | {metrics.limb_asymmetry(np.stack(poses).astype(np.float64)).mean():.1f} |")


def seen_by(network: Mirrored, image_rgb: np.ndarray, box_xywh: np.ndarray, cameras: dict[str, Camera]) -> dict:
    """joints_mm by each camera. The first one is so far away that there is no perspective: the crop alone."""
    names = iter(cameras)
    first = next(names)
    (pose,) = poses_in_boxes(network, ImagePyramid(image_rgb, cameras[first]), box_xywh[None].astype(np.float64))
    middle_px = square_crop(box_xywh, network.info.crop_scale).center_xy
    turned = {name: in_camera_axes(pose, middle_px, cameras[name]) for name in names}
    return {first: pose.joints_mm} | {k: pose_to_mm(v, network.info.bone_sum_mm) for k, v in turned.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--photos", action="store_true")
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    network = Mirrored(OnnxModel.load(given.weights, 2))
    print(f"{network.info.name} {network.info.sha256[:12]}, mirrored, scale rule train-mean")
    if given.photos:
        on_photos(network, given.folder, given.count)
    else:
        on_rendered(network, given.folder, given.validation, given.count)


if __name__ == "__main__":
    main()
