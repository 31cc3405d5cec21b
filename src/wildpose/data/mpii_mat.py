"""MPII's official release, `mpii_human_pose_v1_u12_1.mat`: MATLAB structs in structs, each of which may be empty.

The release doesn't mark Tompson's validation people; `mpii_validation.npz` lists their 1-based image and person.
"""

from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Int

from wildpose.data.files import FETCH_AGAIN, as_array, at, inside, read_mat
from wildpose.data.mpii import MpiiPeople, make_people
from wildpose.errors import InputError
from wildpose.skeleton import MPII16


@cache
def validation_people() -> Int[np.ndarray, "2958 2"]:
    """1-based image and person numbers of Tompson's validation people (CVPR 2015), in order."""
    with np.load(Path(__file__).with_name("mpii_validation.npz"), allow_pickle=False) as packed:
        return np.stack([np.cumsum(packed["image_step"], dtype=np.int64), packed["person"].astype(np.int64)], 1)


def read_release(root: Path, path: Path) -> MpiiPeople:
    """All people who may be trained on or validated with: annotated, in training images, and, where an image has
    validation people, only those."""
    release = _field(read_mat(path, ("RELEASE",))["RELEASE"], "RELEASE", path, "")
    annotated = _records(_get(release, "annolist", path, "RELEASE"))
    is_train = np.asarray(_get(release, "img_train", path, "RELEASE")).ravel()
    if len(is_train) != len(annotated):
        expected = f"img_train for {len(annotated)} images in {path}"
        raise InputError(expected, f"{len(is_train)} values", FETCH_AGAIN)
    chosen = {(int(image), int(person)) for image, person in validation_people()}
    shared = {image for image, _ in chosen}
    rows = []
    for image in range(1, len(annotated) + 1):
        if not is_train[image - 1]:
            continue
        entry, where = annotated[image - 1], f"annolist({image})"
        for person, rect in enumerate(_records(_get(entry, "annorect", path, where)), 1):
            validation = (image, person) in chosen
            if validation or image not in shared:
                where = f"annolist({image}).annorect({person})"
                found = _read_person(rect, path, where)
                if found:
                    name = _get(_field(_get(entry, "image", path, where), "image", path, where), "name", path, where)
                    name = inside(str(np.squeeze(name)), path, where)
                    rows.append((f"images/{name}", *found, validation, (image, person)))
    if not rows:
        raise InputError(f"annotated people of training images in {path}", "none", FETCH_AGAIN)
    images, joints, visible, center, scale, head, validation, number = zip(*rows, strict=True)
    joints = np.stack(joints)
    return make_people(
        root,
        list(images),
        joints,
        np.isfinite(joints).all(-1),
        np.stack(visible),
        np.stack(center),
        np.array(scale),
        np.array(validation),
        path,
        head_boxes_1based=np.stack(head),
        number=np.array(number),
    )


def _read_person(rect: np.void, path: Path, where: str) -> tuple | None:
    """(joints 1-based, visible, middle, scale, head box); None for a person without annotated joints."""
    names = rect.dtype.names or ()
    if "annopoints" not in names or not _records(rect["annopoints"]):
        return None
    points = _records(_get(_records(rect["annopoints"])[0], "point", path, f"{where}.annopoints"))
    if not points:
        return None
    joints, visible = np.full((MPII16.n, 2), np.nan), np.zeros(MPII16.n, bool)
    for k, point in enumerate(points, 1):
        place = f"{where}.annopoints.point({k})"
        joint = _number(point, "id", path, place)
        if joint not in range(MPII16.n):
            raise InputError(f"id 0 to 15 in {at(path, place)}", f"{joint:g}", FETCH_AGAIN)
        joints[int(joint)] = _number(point, "x", path, place), _number(point, "y", path, place)
        visible[int(joint)] = _is_visible(point)
    middle = _field(_get(rect, "objpos", path, where), "objpos", path, where)
    center = _number(middle, "x", path, f"{where}.objpos"), _number(middle, "y", path, f"{where}.objpos")
    head = [_number(rect, key, path, where) for key in ("x1", "y1", "x2", "y2")]
    return joints, visible, np.array(center), _number(rect, "scale", path, where), np.array(head).reshape(2, 2)


def _is_visible(point: np.void) -> bool:
    """Stored as a number, as '0' or '1', as nothing, or not at all: only a 0 means occluded."""
    flag = np.asarray(point["is_visible"]).ravel() if "is_visible" in (point.dtype.names or ()) else np.array([])
    return not len(flag) or str(flag[0]) not in ("0", "0.0")


def _records(value: np.ndarray) -> list[np.void]:
    """The elements of a MATLAB struct array; none for an empty matrix in its place."""
    array = np.asarray(value)
    return list(array.ravel()) if array.dtype.names else []


def _field(value: np.ndarray, key: str, path: Path, where: str) -> np.void:
    """The one element of a 1 x 1 struct."""
    records = _records(value)
    if not records:
        raise InputError(f"a struct {key!r} in {at(path, where)}", f"{np.asarray(value).dtype} values", FETCH_AGAIN)
    return records[0]


def _get(record: np.void, key: str, path: Path, where: str) -> np.ndarray:
    names = record.dtype.names or ()
    if key not in names:
        raise InputError(f"key {key!r} in {at(path, where)}", f"only {', '.join(names) or 'nothing'}", FETCH_AGAIN)
    return record[key]


def _number(record: np.void, key: str, path: Path, where: str) -> float:
    value = np.asarray(_get(record, key, path, where)).ravel()
    return float(as_array(value, (1,), key, path, where)[0])
