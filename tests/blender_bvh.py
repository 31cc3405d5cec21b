"""Does a BVH of ours stand in Blender as it should? By Blender's own importer, from the wheel `bpy`; no test needs it.

    pip install --no-deps --target /tmp/bpy bpy==5.0.1
    PYTHONPATH=/tmp/bpy:tests:tests/predict python tests/blender_bvh.py

writes a figure of known joints, imports it with the importer's standard axes, and compares where the bones are.
"""

import tempfile
from pathlib import Path

import bpy
import numpy as np
from test_formats import WHERE, frame, seen, standing_mm, turned, with_median_lengths

from wildpose.formats.save import save
from wildpose.skeleton import MPII16
from wildpose.write import Recording


def main() -> None:
    poses = np.stack([turned(standing_mm(), 30.0 * k, 1) for k in range(13)])
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording([frame(k, [seen(pose, (0, 0, 4000))]) for k, pose in enumerate(poses)], 10.0)
        (path,) = save(recording, folder, "a", ("bvh",))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.import_anim.bvh(filepath=str(Path(path)), global_scale=0.01, axis_forward="-Z", axis_up="Y")
    (armature,) = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
    found = np.stack([places(armature, 1 + k) for k in range(len(poses))])
    shown_mm = with_median_lengths(poses * [1, -1, -1])[..., [0, 2, 1]] * [1, -1, 1]  # Blender: z up, -y to the viewer
    error_mm = np.linalg.norm(found - found[:, 6:7] - shown_mm, axis=-1)
    feet, head = found[0, [0, 5], 2].mean(), found[0, MPII16.index("head_top"), 2]
    print(f"Blender {bpy.app.version_string}: {len(poses)} frames, largest error of a joint {error_mm.max():.2f} mm; "
          f"ankles at {feet:.0f} mm, head top at {head:.0f} mm above the ground")  # fmt: skip
    assert error_mm.max() < 1.0 and 0 < feet < 200 < 1400 < head < 2000


def places(armature, number: int) -> np.ndarray:
    """Joints (16, 3) in a frame, in Blender's world, mm; at scale 0.01 its units are metres."""
    bpy.context.scene.frame_set(number)
    bones = {bone.name: (bone.head, bone.tail) for bone in armature.pose.bones}
    points = []
    for name in MPII16.joints:
        bone, _, end = WHERE[name].partition(" ")
        points.append(armature.matrix_world @ bones[bone][1 if end else 0])
    return np.array(points) * 1000.0


if __name__ == "__main__":
    main()
