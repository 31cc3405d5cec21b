"""As much as lifted depth could bring: depth labels of a rendered set with its own truth in place of what was lifted.

    python tests/train/true_depth.py OUTDOOR LIFTED OUT

OUTDOOR: a set of `wildpose data outdoor`; LIFTED: a folder of `wildpose lift`, of that set's 2D labels and others. OUT
is LIFTED with the true depth of OUTDOOR. Says how far LIFTED was from it (P1, P2 with true places; scale rule
ground-truth). For `wildpose train --lifted OUT`.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from wildpose.data.kinds import KINDS_2D, KINDS_3D
from wildpose.data.lifted import with_lifted, write_lifted
from wildpose.geometry import weak_perspective_scale
from wildpose.metrics import mpjpe, pa_mpjpe, scale_poses
from wildpose.skeleton import MPII16

PELVIS = MPII16.index("pelvis")


def main(outdoor: Path, lifted: Path, out: Path) -> None:
    people, _ = KINDS_2D["outdoor"].open(outdoor)
    cam_mm = KINDS_3D["outdoor"].open(outdoor)[0].joints_cam_mm.astype(np.float64)
    places_px = people.joints_px.astype(np.float64)
    scale = weak_perspective_scale(cam_mm, places_px)[:, None]
    true_px = scale * (cam_mm[..., 2] - cam_mm[:, [PELVIS], 2])
    found_px = with_lifted(people, lifted / "outdoor.safetensors").depth_px.astype(np.float64)
    for name, depth_px in (("lifted", found_px), ("true", true_px)):
        flat = places_px - places_px[:, [PELVIS]]
        mm = scale_poses(np.concatenate([flat, depth_px[..., None]], 2), "ground-truth", None, cam_mm)
        figures = f"P1 {mpjpe(mm, cam_mm):.1f}, P2 {pa_mpjpe(mm, cam_mm):.1f} mm"
        print(f"{len(people)} people, true places, {name} depth: {figures}")
    print(f"depth is off by {np.abs(found_px - true_px).mean() / scale.mean():.1f} mm on average")
    out.mkdir(parents=True)
    for path in lifted.glob("*.safetensors"):
        shutil.copy(path, out)
    write_lifted(out / "outdoor.safetensors", true_px, people, "the truth")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
