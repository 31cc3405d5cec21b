"""COCO keypoints (Lin et al., ECCV 2014): people in photos from Flickr, 17 joints of which MPII16 knows twelve.

As its authors lay it out: annotations/person_keypoints_{train,val}2017.json beside train2017/ and val2017/. Pixels are
0-based. Flag 0 means not labelled (coordinates 0), 1 labelled but hidden, 2 visible. Annotations CC BY 4.0; the photos
have their own licences: https://cocodataset.org
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from wildpose.data.checks import check_sides_2d
from wildpose.data.files import (
    FETCH_AGAIN,
    as_array,
    at,
    check_shape,
    in_float32,
    inside,
    need,
    need_list,
    need_whole,
    read_json,
)
from wildpose.data.people import People
from wildpose.errors import InputError
from wildpose.skeleton import COCO17, MPII16, convert

Split = Literal["train", "val"]
PAGE = "https://cocodataset.org/#download"


@dataclass(frozen=True)
class CocoPeople(People):
    """COCO's people with at least so many labelled joints, and what OKS-AP needs."""

    joints17_px: Float[np.ndarray, "N 17 2"] = field(default_factory=lambda: np.zeros((0, 17, 2)))
    """In COCO17's order; NaN where not labelled."""
    visible17: Bool[np.ndarray, "N 17"] = field(default_factory=lambda: np.zeros((0, 17), bool))
    """Labelled and not hidden."""
    area_px2: Float[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0))
    """Of the person's mask."""
    image_id: Int[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0, int))
    annotation_id: Int[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0, int))


def coco_annotations(root: Path, split: Split) -> Path:
    """Where the annotations of a split lie."""
    return root / "annotations" / f"person_keypoints_{split}2017.json"


def load_coco(root: str | Path, split: Split, least_joints: int = 6) -> CocoPeople:
    """Single people of COCO 2017 with at least `least_joints` of the twelve joints that MPII16 knows labelled; crowds
    are left out.

    Raises InputError if the file is missing, damaged, orders its joints otherwise, or names images outside the root.
    """
    root = Path(root)
    path = coco_annotations(root, split)
    if not path.is_file():
        raise InputError(f"{path}", "no such file", f"fetch it: {PAGE}")
    stored = read_json(path)
    _check_joints(stored, path)
    names = {}
    for i, image in enumerate(need_list(stored, "images", path)):
        file_name = need(image, "file_name", path, f"image {i}")
        names[need_whole(image, "id", path, f"image {i}")] = f"{split}2017/{inside(file_name, path, f'image {i}')}"
    rows = []
    for i, annotation in enumerate(need_list(stored, "annotations", path)):
        if not need(annotation, "iscrowd", path, f"annotation {i}"):
            rows.append((i, annotation))
    if not rows:
        raise InputError(f"people in {path}", "none", FETCH_AGAIN)
    keypoints = _column(rows, "keypoints", (51,), path).reshape(-1, 17, 3)
    labelled = keypoints[..., 2] > 0
    joints17 = np.where(labelled[..., None], keypoints[..., :2], np.nan)
    joints_px = convert(joints17, COCO17, MPII16)[0]
    mask = np.isfinite(joints_px).all(-1)
    boxes = _column(rows, "bbox", (4,), path)
    ids = {key: _column(rows, key, (), path).astype(int) for key in ("image_id", "id")}
    unknown = [i for i in ids["image_id"].tolist() if i not in names]
    if unknown:
        raise InputError(f"an image for each person in {path}", f"none with id {unknown[0]}", FETCH_AGAIN)
    people = CocoPeople(
        root,
        np.array([names[i] for i in ids["image_id"].tolist()]),
        joints_px.astype(np.float32),
        mask,
        boxes.astype(np.float32),
        joints17_px=joints17,
        visible17=keypoints[..., 2] > 1,
        area_px2=_column(rows, "area", (), path),
        image_id=ids["image_id"],
        annotation_id=ids["id"],
    )
    check_sides_2d(people.joints_px, path)
    usable = (mask.sum(1) >= least_joints) & (boxes[:, 2:] > 0).all(1)
    return people.take(np.flatnonzero(usable))


def _check_joints(stored: Any, path: Path) -> None:
    categories = need_list(stored, "categories", path)
    check_shape((len(categories),), (1,), "categories", path)
    joints = tuple(need_list(categories[0], "keypoints", path, "category 0"))
    if joints != COCO17.joints:
        expected = f"keypoints {', '.join(COCO17.joints)} in {at(path, 'category 0')}"
        raise InputError(expected, ", ".join(map(str, joints)), FETCH_AGAIN)


def _column(rows: list[tuple[int, dict]], key: str, shape: tuple[int, ...], path: Path) -> np.ndarray:
    """One key of all annotations; where they don't fit together, the first that doesn't fit is named."""
    values = [need(annotation, key, path, f"annotation {i}") for i, annotation in rows]
    try:
        array = np.array(values, np.float64)
        if array.shape[1:] == shape and in_float32(array).all():
            return array
    except (ValueError, TypeError):
        pass
    for (i, _), value in zip(rows, values, strict=True):
        as_array(value, shape, key, path, f"annotation {i}")
    raise InputError(f"{key} of one kind in {path}", "values that do not fit together", FETCH_AGAIN)
