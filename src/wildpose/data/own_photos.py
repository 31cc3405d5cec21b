"""Somebody's own photos with 2D labels in COCO's keypoints format, as labelling tools write it.

More lenient than the reader of COCO itself (`data/coco.py`): joints are taken by name, in any order and number, MPII's
names beside COCO's; boxes, areas, crowd flags and sizes may be missing. Pixels are 0-based, of the upright photo.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from wildpose.data.files import FETCH_AGAIN, as_array, at, inside, need, need_list, need_whole, read_json
from wildpose.data.people import People
from wildpose.errors import InputError
from wildpose.skeleton import COCO17, MPII16, SAME_PLACE

LEAST_JOINTS = 4
"""Labelled joints of MPII16 that a person needs to be learnt from."""
LEAST_PX = 16.0
"""A person's longer side under which nothing can be seen of their joints."""
FIX = "mend the labels, or export them again as COCO keypoints"
Size = tuple[int, int]


@dataclass(frozen=True)
class OwnPhotos:
    """Labelled people in somebody's photos."""

    people: People
    sizes_wh: dict[str, Size]
    """Width and height that the labels state, by the image's name; those that state none are not there."""
    left_out: int
    """People with too few labelled joints, or too small, that are not among `people`."""


def load_own(photos: Path, labels: Path) -> OwnPhotos:
    """People with at least LEAST_JOINTS labelled joints; their images are not looked at (but must be there).

    Raises InputError for files that are missing, damaged or name images outside the folder, and if nobody is left.
    """
    if not photos.is_dir():
        raise InputError("a folder of photos", f"{photos}", "check the path")
    if not labels.is_file():
        raise InputError("a COCO keypoints JSON", f"{labels}, no such file", "check --labels")
    with _fix_told():
        stored = read_json(labels)
        names, sizes = _images(stored, labels)
        columns = _columns(stored, labels)
        rows = list(_people(stored, columns, names, labels))
    kept = [row for row in rows if row[2].sum() >= LEAST_JOINTS and max(row[3][2:]) >= LEAST_PX]
    if not kept:
        expected = f"people with {LEAST_JOINTS} or more labelled joints, {LEAST_PX:g} px or larger, in {labels}"
        raise InputError(expected, f"none ({len(rows)} annotated)", f"{FIX}; coordinates are pixels")
    images, joints_px, mask, boxes = (np.array(column) for column in zip(*kept, strict=True))
    people = People(photos, images, joints_px.astype(np.float32), mask, boxes.astype(np.float32))
    missing = [name for name in dict.fromkeys(images.tolist()) if not _is_there(photos / name)]
    if missing:
        got = f"{len(missing)} missing ({', '.join(missing[:3])})"
        raise InputError(f"the {len(set(images.tolist()))} labelled photos in {photos}", got, "check the folder")
    return OwnPhotos(people, sizes, len(rows) - len(kept))


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False


@contextmanager
def _fix_told() -> Iterator[None]:
    """The advice of the readers' helpers is for data sets that others made."""
    try:
        yield
    except InputError as error:
        raise InputError(error.expected, error.got, FIX if error.fix == FETCH_AGAIN else error.fix) from None


def _images(stored: Any, path: Path) -> tuple[dict[int, str], dict[str, Size]]:
    names, sizes = {}, {}
    for i, image in enumerate(need_list(stored, "images", path)):
        where = f"image {i}"
        name = inside(need(image, "file_name", path, where), path, where)
        number = need_whole(image, "id", path, where)
        if names.setdefault(number, name) != name:  # as of two exports put together
            raise InputError(f"an id for each image in {path}", f"{number} for {names[number]} and {name}", FIX)
        if image.get("width") and image.get("height"):
            sizes[name] = (need_whole(image, "width", path, where), need_whole(image, "height", path, where))
    return names, sizes


def _columns(stored: Any, path: Path) -> dict[int, list[str]]:
    """Joint names of each category that has any, by its id; enough of them have to be known."""
    columns = {}
    for i, category in enumerate(need_list(stored, "categories", path)):
        if isinstance(category, dict) and category.get("keypoints"):
            where = f"category {i}"
            joints = need_list(category, "keypoints", path, where)
            number, found = need_whole(category, "id", path, where), [*map(str, joints)]
            if columns.setdefault(number, found) != found:
                raise InputError(f"an id for each category in {path}", f"{number} with two lists of keypoints", FIX)
    if not columns:
        raise InputError(f"a category with keypoints in {path}", "none", FIX)
    for names in columns.values():
        if sum(name in (*COCO17.joints, *MPII16.joints) for name in names) < LEAST_JOINTS:
            expected = f"joints named as COCO's ({', '.join(COCO17.joints[5:8])} ...) in {path}"
            raise InputError(expected, ", ".join(names[:6]), "rename them; left is the person's own left")
    return columns


def _people(
    stored: Any, columns: dict[int, list[str]], names: dict[int, str], path: Path
) -> Iterator[tuple[str, Float[np.ndarray, "16 2"], Bool[np.ndarray, " 16"], Float[np.ndarray, " 4"]]]:
    """Image, joints, mask and box of everybody who has keypoints."""
    for i, annotation in enumerate(need_list(stored, "annotations", path)):
        where = f"annotation {i}"
        joints = columns.get(need_whole(annotation, "category_id", path, where))
        if joints is None or annotation.get("iscrowd") or not annotation.get("keypoints"):
            continue
        image = need_whole(annotation, "image_id", path, where)
        if image not in names:
            raise InputError(f"an image for {at(path, where)}", f"none with id {image}", FIX)
        values = as_array(annotation["keypoints"], (3 * len(joints),), "keypoints", path, where).reshape(-1, 3)
        joints_px = np.full((MPII16.n, 2), np.nan)
        for k, name in enumerate(MPII16.joints):
            column = next((c for c in (name, SAME_PLACE.get(name)) if c in joints), None)
            if column is not None and values[joints.index(column), 2] > 0:
                joints_px[k] = values[joints.index(column), :2]
        mask = np.isfinite(joints_px).all(-1)
        yield names[image], joints_px, mask, _box(annotation, joints_px[mask], path, where)


def _box(annotation: dict, known_px: np.ndarray, path: Path, where: str) -> Float[np.ndarray, " 4"]:
    """As annotated, or else around the labelled joints."""
    if annotation.get("bbox"):
        box = as_array(annotation["bbox"], (4,), "bbox", path, where)
        if box[2:].min() > 0:
            return box
    if not len(known_px):
        return np.zeros(4)
    return np.concatenate([known_px.min(0), known_px.max(0) - known_px.min(0)])
