"""MPII's files with the real schema, a few people each."""

import json
from pathlib import Path

import numpy as np
from scipy.io import savemat

EMPTY = {"_ArrayType_": "double", "_ArraySize_": [0, 0], "_ArrayData_": None}
"""What jsonlab writes for an empty matrix."""


def joints_1based(person: int = 0) -> list[list[float]]:
    """(16, 3): joint k at (100 + 10 person + k, 200 + 2 k), the fifth occluded, the seventh missing."""
    joints = [[100.0 + 10 * person + k, 200.0 + 2 * k, 1.0] for k in range(16)]
    joints[4][2] = 0.0
    joints[6] = [0.0, 0.0, 0.0]
    return joints


def bearpaw_entry(person: int, validation: float, others: int = 0) -> dict:
    """An entry as jsonlab varies it: nothing, one matrix, or a list of matrices for the other people."""
    other = [joints_1based(9)] * others
    return {
        "dataset": "MPI",
        "isValidation": validation,
        "img_paths": f"{person:09d}.jpg",
        "img_width": 1280.0,
        "img_height": 720.0,
        "objpos": [110.0, 220.0],
        "joint_self": joints_1based(person),
        "scale_provided": 2.0,
        "joint_others": [EMPTY, other[0] if other else None, other][min(others, 2)],
        "scale_provided_other": [EMPTY, 1.5, [1.5] * others][min(others, 2)],
        "objpos_other": [EMPTY, [5.0, 6.0], [[5.0, 6.0]] * others][min(others, 2)],
        "annolist_index": 5.0 + person,
        "people_index": 1.0,
        "numOtherPeople": float(others),
    }


def write_bearpaw(root: Path, change=lambda entries: None) -> Path:
    entries = [bearpaw_entry(0, 0.0), bearpaw_entry(1, 1.0, 1), bearpaw_entry(2, 0.0, 2)]
    change(entries)
    path = root / "mpii_annotations.json"
    path.write_text(json.dumps(entries))
    return path


def write_hrnet(root: Path, change=lambda entries: None) -> Path:
    (root / "annot").mkdir(exist_ok=True)
    for name, people in {"train": (0, 2), "valid": (1,)}.items():
        entries = []
        for person in people:
            joints = np.array(joints_1based(person))
            joints[6, :2] = -1.0
            vis = [int(k != 6) for k in range(16)]
            entry = {"joints_vis": vis, "joints": joints[:, :2].tolist(), "image": f"{person:09d}.jpg"}
            entries.append(entry | {"scale": 2.0, "center": [110.0, 220.0]})
        change(entries)
        (root / "annot" / f"{name}.json").write_text(json.dumps(entries))
    return root / "annot" / "train.json"


def struct(records: list[dict]) -> np.ndarray:
    """A MATLAB struct array (1, n) with the fields of the first record."""
    array = np.empty((1, len(records)), dtype=[(name, object) for name in records[0]])
    for i, record in enumerate(records):
        array[0, i] = tuple(record.values())
    return array


NOTHING = np.zeros((0, 0))


def mat_person(person: int, visibility: list | None) -> dict:
    """One annorect; `visibility` holds what is_visible says of each joint, None: there is no such field."""
    points = []
    for k, (x, y, _) in enumerate(joints_1based(person)):
        if k != 6:
            point = {"x": x, "y": y, "id": float(k)}
            points.append(point if visibility is None else point | {"is_visible": visibility[k]})
    return {
        **{"x1": 90.0, "y1": 60.0, "x2": 120.0, "y2": 100.0},
        "annopoints": struct([{"point": struct(points[::-1])}]),  # the order of the points means nothing
        "scale": 2.0,
        "objpos": struct([{"x": 110.0, "y": 220.0}]),
    }


def write_release(root: Path, validation: tuple[int, int], change=lambda images: None, **more) -> Path:
    """Images up to and past the validation person (image, person): image 1 trains with a person who has joints and one
    who hasn't, image 2 is a test image without annotations, the validation image also has somebody unlisted."""
    is_visible: list = ["1"] * 16
    is_visible[4] = "0"
    is_visible[5] = NOTHING
    bare = mat_person(0, None) | {"annopoints": NOTHING}
    rects: dict[int, np.ndarray] = {i: NOTHING for i in range(1, validation[0] + 1)}
    rects[1] = struct([mat_person(0, is_visible), bare])
    rects[validation[0]] = struct([mat_person(p, None) for p in range(1, validation[1] + 2)])
    images = [{"image": struct([{"name": f"{i:09d}.jpg"}]), "annorect": rect} for i, rect in rects.items()]
    change(images)
    is_train = np.ones((1, len(images)), np.uint8)
    is_train[0, 1] = 0
    release = struct([{"annolist": struct(images), "img_train": is_train, "version": "12"} | more])
    path = root / "mpii_human_pose_v1_u12_1.mat"
    savemat(path, {"RELEASE": release})
    return path


def write_validation(path: Path, **change) -> None:
    """gt_valid.mat for one person."""
    joints = np.array(joints_1based(1))
    arrays = {
        "jnt_missing": (np.arange(16) == 6).astype(np.uint8)[:, None],
        "pos_gt_src": joints[:, :2, None],
        "headboxes_src": np.array([[90.0, 60.0], [120.0, 100.0]])[:, :, None],
        "dataset_joints": np.array(NAMES.split(), dtype=object)[None],
    } | change
    savemat(path, {name: value for name, value in arrays.items() if value is not None})


NAMES = "rank rkne rhip lhip lkne lank pelv thor neck head rwri relb rsho lsho lelb lwri"
