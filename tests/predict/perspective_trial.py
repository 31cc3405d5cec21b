"""What it brings to know the camera, and what a wrong focal length costs: rendered people whose camera is known.

    python tests/predict/perspective_trial.py WEIGHTS SET [--validation] [--count N]

SET: a folder of `wildpose data studio` or `outdoor`; --validation: its subject S8 alone, on whom nothing was trained.
Poses as `wildpose predict` gives them for the annotated boxes. Rows: as the network sees them in its crop; in the axes
of the true camera, of one whose focal length is wrong by a factor, and the same if it is marked as assumed.
"""

import argparse
from pathlib import Path

import numpy as np

from wildpose import metrics
from wildpose.data.studio import StudioSet
from wildpose.geometry import square_crop
from wildpose.predict.crops import ImagePyramid, pose_to_mm, poses_in_boxes
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel
from wildpose.predict.perspective import in_camera_axes
from wildpose.predict.placement import Camera

FACTORS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0)


def camera_of(K: np.ndarray, factor: float, source: str) -> Camera:
    return Camera(K[0, 0] * factor, K[1, 1] * factor, K[0, 2], K[1, 2], source)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    people, network = StudioSet(given.folder), Mirrored(OnnxModel.load(given.weights, 2))
    chosen = np.flatnonzero(people.subject == "S8") if given.validation else np.arange(len(people))
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(given.count, len(chosen))).astype(int)]
    rows: dict[str, list[np.ndarray]] = {}
    for i in chosen.tolist():
        sample = people.load(i)
        far = ImagePyramid(sample.image, camera_of(sample.K, 1e6, "given"))  # no perspective at all
        (pose,) = poses_in_boxes(network, far, sample.box_xywh[None])
        rows.setdefault("in its crop", []).append(pose.joints_mm)
        middle_px = square_crop(sample.box_xywh, network.info.crop_scale).center_xy
        for source, name in (("given", "known"), ("assumed", "assumed")):
            for factor in FACTORS:
                turned = in_camera_axes(pose, middle_px, camera_of(sample.K, factor, source))
                mm = pose_to_mm(turned, network.info.bone_sum_mm)
                rows.setdefault(f"{name}, focal length x {factor:g}", []).append(mm)
    true_mm = people.joints_cam_mm[chosen].astype(np.float64)
    print(f"{given.folder.name}, {len(chosen)} people, {network.info.name} {network.info.sha256[:12]}")
    print("| camera | P1, mm | P2, mm |\n| --- | ---: | ---: |")
    for name, poses in rows.items():
        found = np.stack(poses).astype(np.float64)
        print(f"| {name} | {metrics.mpjpe(found, true_mm):.1f} | {metrics.pa_mpjpe(found, true_mm):.1f} |")


if __name__ == "__main__":
    main()
