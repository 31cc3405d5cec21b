"""Ways to damage what the small files of the formats hold, for the table of corruptions."""

import os
from collections.abc import Callable

import numpy as np
from made_3dhp import FRAMES
from made_human36m import pickled_cameras
from made_mpii import bearpaw_entry
from test_coco import person

from wildpose.skeleton import COCO17, LSP14, MPI3DHP28, MPII16


def put(key: str, where, value) -> Callable:
    """One value of an array replaced."""

    def damage(arrays) -> None:
        arrays[key] = np.array(arrays[key])
        arrays[key][where] = value

    return damage


def replaced(key: str, change: Callable) -> Callable:
    return lambda arrays: arrays.update({key: change(np.array(arrays[key]))})


def facing_away(order, joints: int) -> np.ndarray:
    """Forty upright people with their left on the picture's left: swapped, as most people face the camera."""
    values = np.zeros((40, joints, 2)) + (100.0, 60.0)
    for part, x, y in (("shoulder", 20, 80), ("hip", 12, 150)):
        for side, sign in (("left", -1), ("right", 1)):
            values[:, order.index(f"{side}_{part}")] = 100 + sign * x, y
    return values


def swapped_lsp(arrays) -> None:
    arrays["joints"][:2] = facing_away(LSP14, 14).transpose(2, 1, 0)


def swapped_lspet(arrays) -> None:
    arrays["joints"][:, :2] = facing_away(LSP14, 14).transpose(1, 2, 0)


def swapped_bearpaw(entries) -> None:
    joints = np.concatenate([facing_away(MPII16, 16)[0], np.ones((16, 1))], 1).tolist()
    entries[:] = [bearpaw_entry(0, 0.0) | {"joint_self": joints} for _ in range(40)]


def swapped_hrnet(entries) -> None:
    joints = facing_away(MPII16, 16)[0].tolist()
    entries[:] = [entries[0] | {"joints": joints, "joints_vis": [1] * 16} for _ in range(40)]


def swapped_coco(data) -> None:
    points = np.concatenate([facing_away(COCO17, 17)[0], np.full((17, 1), 2.0)], 1).ravel().tolist()
    data["annotations"] = [person(i, 139, keypoints=points) for i in range(40)]


def mirrored(names: tuple[str, ...], mirror, axis: int = 1) -> Callable:
    return lambda arrays: [arrays.update({name: np.take(arrays[name], mirror, axis)}) for name in names] and None


def mirrored_train(arrays) -> None:
    for name in ("annot2", "annot3"):
        for camera in range(14):
            flat = arrays[name][camera, 0]
            arrays[name][camera, 0] = flat.reshape(FRAMES, 28, -1)[:, MPI3DHP28.mirror].reshape(FRAMES, -1)


def of_triple(damage: Callable[[dict, dict, dict], object]) -> Callable:
    return lambda data, camera, joint_3d: damage(data, camera, joint_3d) and None


def each_pose(change: Callable) -> Callable:
    def damage(data, camera, joint_3d) -> None:
        for takes in joint_3d.values():
            for frames in takes.values():
                frames.update({key: change(np.array(pose)).tolist() for key, pose in frames.items()})

    return damage


def of_cell(name: str, camera: int, change: Callable) -> Callable:
    return lambda arrays: arrays[name].__setitem__((camera, 0), change(arrays[name][camera, 0].copy()))


def first(**change) -> Callable:
    """Other values in the first entry of a list."""
    return lambda entries: entries[0].update(change)


def with_nan(array: np.ndarray, value: float = np.nan) -> np.ndarray:
    array[(0,) * array.ndim] = value
    return array


class Program:
    """A pickle that makes a folder when it's loaded."""

    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def cameras(change: Callable) -> Callable:
    """Not of the index, but of its cameras: told apart by `write_with_cameras`."""

    def damage() -> dict:
        stored = pickled_cameras()
        change(stored)
        return stored

    damage.of_cameras = True
    return damage
