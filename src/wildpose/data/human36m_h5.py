"""Human3.6M as Zhou et al. (ICCV 2017) trained on it: annotSample{Train,Test}.h5 and people cut out at 224 px.

joint_2d (N, 16, 2) px of the crop and joint_3d_mono (N, 16, 3) camera-frame mm, both in MPII16's order; id (the image's
number), subject, action, subaction, camera. Images: s_01_act_02_subact_01_ca_01/<the same>_000001.jpg. The frames are
those of that code, every fifth of the 50 a second; cameras aren't stored. For comparison with old numbers.
"""

from pathlib import Path

import numpy as np

from wildpose.data.checks import check_sides_3d, check_unit
from wildpose.data.files import FETCH_AGAIN
from wildpose.data.hdf5 import read_h5
from wildpose.data.human36m import ACTION_OF_NUMBER, CAMERA_NAMES, CORRUPT, Sequence, Split, find_human36m, subjects_of
from wildpose.data.people import People
from wildpose.errors import InputError

CROP_PX, CROP_SCALE, STORED_STRIDE = 224, 1.25, 5
LABELS = ("id", "subject", "action", "subaction", "camera")


def load_h5(root: Path, split: Split, stride: int | None = None) -> People:
    """The subjects of a split from the .h5 files of a folder; the crop of `boxes_xywh` is the whole image."""
    if stride not in (None, STORED_STRIDE):
        raise InputError(
            f"stride {STORED_STRIDE}, that of annotSample*.h5 in {root}", str(stride), f"give stride {STORED_STRIDE}"
        )
    subjects = subjects_of(split)
    parts = [part for path in find_human36m(root)["h5"] if len((part := _read(root, path, subjects)).images)]
    if not parts:
        raise InputError(f"subjects {', '.join(subjects)} in annotSample*.h5 of {root}", "none", FETCH_AGAIN)
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "joints_px", "mask", "boxes_xywh", "joints_cam_mm", "subject", "action")
    }
    return People(root, **joined)


def _read(root: Path, path: Path, subjects: tuple[str, ...]) -> People:
    shapes = {name: (None,) for name in LABELS} | {"joint_2d": (None, 16, 2), "joint_3d_mono": (None, 16, 3)}
    arrays = read_h5(path, shapes)
    counts = {len(array) for array in arrays.values()}
    if len(counts) != 1:
        got = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise InputError(f"as many rows in every array of {path}", got, FETCH_AGAIN)
    labels = np.stack([arrays[name].astype(int) for name in LABELS], 1)
    rows, images, subject, action = [], [], [], []
    for row, (number, person, act, subact, cam) in enumerate(labels.tolist()):
        if act not in ACTION_OF_NUMBER or cam not in (1, 2, 3, 4):
            got = f"action {act}, camera {cam}"
            raise InputError(f"action 2 to 16 and camera 1 to 4 in {path}, row {row}", got, FETCH_AGAIN)
        sequence = Sequence(f"S{person}", ACTION_OF_NUMBER[act], subact, CAMERA_NAMES[cam - 1])
        if sequence.subject in subjects and sequence != CORRUPT:
            folder = f"s_{person:02d}_act_{act:02d}_subact_{subact:02d}_ca_{cam:02d}"
            rows.append(row)
            images.append(f"images/{folder}/{folder}_{number:06d}.jpg")
            subject.append(sequence.subject)
            action.append(sequence.action)
    joints_px, joints_mm = arrays["joint_2d"][rows], arrays["joint_3d_mono"][rows]
    check_unit(joints_mm, path, "joint_3d_mono")
    check_sides_3d(joints_mm, path)
    side = CROP_PX / CROP_SCALE
    box = np.array([CROP_PX / 2 - side / 2 - 0.5] * 2 + [side] * 2, np.float32)
    return People(
        root,
        np.array(images, dtype=str),
        joints_px.astype(np.float32),
        np.ones(joints_px.shape[:2], bool),
        np.tile(box, (len(rows), 1)),
        joints_mm.astype(np.float32),
        np.array(subject, dtype=str),
        np.array(action, dtype=str),
    )
