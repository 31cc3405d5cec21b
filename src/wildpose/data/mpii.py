"""MPII Human Pose (Andriluka et al., CVPR 2014): people in YouTube stills, 16 joints in 1-based pixels.

Three layouts of the same annotations are read, the first that a folder holds:
- `mpii_annotations.json[.gz]`, as bearpaw/pytorch-pose makes it: all 25,204 people of training images, with the
  validation people of Tompson et al. (CVPR 2015) marked. jsonlab wrote it, so that types vary.
- `annot/train.json` and `annot/valid.json`, as HRNet and SimpleBaseline use it.
- `mpii_human_pose_v1_u12_1.mat`, the official release (`mpii_mat.py`); the only one with head boxes for all.
Head boxes of the validation people also stand in `detections_our_format.mat` or `gt_valid.mat` (read_mpii_validation).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from wildpose.data.checks import check_sides_2d
from wildpose.data.files import FETCH_AGAIN, as_array, at, in_float32, inside, need, read_json, read_mat
from wildpose.data.people import People
from wildpose.errors import InputError
from wildpose.skeleton import MPII16

Split = Literal["train", "val", "train+val"]
TRAIN_PEOPLE, VALIDATION_PEOPLE = 22_246, 2_958
PERSON_PX = 200.0
"""A person of `scale` 1 is this tall."""
SHIFT_DOWN_PX = 15.0
"""All public code moves the annotated middle down by this times the scale, and takes a crop 1.25 times as large."""
HEAD_SIZE_FACTOR = 0.6
"""PCKh's head size is this times the diagonal of the head box."""
PAGE = "http://human-pose.mpi-inf.mpg.de"
LAYOUTS = {
    "bearpaw": ("mpii_annotations.json", "mpii_annotations.json.gz", "annot/mpii_annotations.json"),
    "hrnet": ("annot/train.json", "annot/valid.json"),
    "mat": ("mpii_human_pose_v1_u12_1.mat", "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat"),
}
"""Where in a folder each layout's file lies."""


@dataclass(frozen=True)
class MpiiPeople(People):
    """MPII's people; `boxes_xywh` is the square that public code crops (before its margin of 1.25)."""

    scale: Float[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0))
    """Height of the person in units of 200 px."""
    validation: Bool[np.ndarray, " N"] = field(default_factory=lambda: np.zeros(0, bool))
    """Whether the person belongs to Tompson's validation set."""
    visible: Bool[np.ndarray, "N 16"] = field(default_factory=lambda: np.zeros((0, 16), bool))
    """Labelled and not occluded."""
    head_boxes_px: Float[np.ndarray, "N 2 2"] = field(default_factory=lambda: np.zeros((0, 2, 2)))
    """Corners (x1, y1), (x2, y2), 0-based; NaN where the layout has none."""
    number: Int[np.ndarray, "N 2"] = field(default_factory=lambda: np.zeros((0, 2), int))
    """1-based image and person in the official release; 0 where the layout doesn't say."""

    @property
    def head_size_px(self) -> Float[np.ndarray, " N"]:
        """What PCKh divides by: 0.6 of the head box's diagonal; NaN where there's no box."""
        return head_size(self.head_boxes_px)


@dataclass(frozen=True)
class MpiiValidation:
    """Truth for PCKh on Tompson's 2,958 people, in the order of every layout's validation people."""

    joints_px: Float[np.ndarray, "N 16 2"]
    """0-based; NaN where missing."""
    mask: Bool[np.ndarray, "N 16"]
    head_boxes_px: Float[np.ndarray, "N 2 2"]
    detections_px: Float[np.ndarray, "N 16 2"] | None
    """Tompson's own predictions, where the file carries them."""

    @property
    def head_size_px(self) -> Float[np.ndarray, " N"]:
        """What PCKh divides by."""
        return head_size(self.head_boxes_px)


def head_size(head_boxes_px: Float[np.ndarray, "N 2 2"]) -> Float[np.ndarray, " N"]:
    """0.6 of the diagonal of head boxes, px."""
    return HEAD_SIZE_FACTOR * np.linalg.norm(head_boxes_px[:, 1] - head_boxes_px[:, 0], axis=-1)


def find_mpii(root: Path) -> dict[str, list[Path]]:
    """The annotation files under a folder, by layout."""
    found = {layout: [root / name for name in names if (root / name).is_file()] for layout, names in LAYOUTS.items()}
    return {layout: paths for layout, paths in found.items() if paths}


def load_mpii(root: str | Path, split: Split, annotations: str | Path | None = None) -> MpiiPeople:
    """MPII's people of a split: 22,246 to train, 2,958 to validate; images are looked for in `root/images`.

    `annotations` names one file where a folder holds several layouts. Raises InputError for files that are missing,
    damaged, of another layout, or that name images outside the root; images aren't opened before they're loaded.
    """
    root = Path(root)
    layout, paths = _choose(root, Path(annotations) if annotations else None)
    if layout == "mat":
        from wildpose.data.mpii_mat import read_release

        people = read_release(root, paths[0])
    elif layout == "bearpaw":
        people = _read_bearpaw(root, paths[0])
    else:
        people = _read_hrnet(root, paths)
    check_sides_2d(people.joints_px, paths[0])
    wanted = {"train": ~people.validation, "val": people.validation, "train+val": np.ones(len(people), bool)}[split]
    if not wanted.any():
        raise InputError(f"people of split {split} in {paths[0]}", "none", "choose another split or layout")
    return people.take(np.flatnonzero(wanted))


def _choose(root: Path, given: Path | None) -> tuple[str, list[Path]]:
    if given:
        if not given.is_file():
            raise InputError(f"MPII annotations at {given}", "no such file", f"fetch them: {PAGE}")
        stem = given.name.removesuffix(".gz").removesuffix(".json")
        layout = "mat" if given.suffix == ".mat" else "hrnet" if stem in ("train", "valid") else "bearpaw"
        return layout, [given]
    found = find_mpii(root)
    if not found:
        names = ", ".join(name for names in LAYOUTS.values() for name in names)
        raise InputError(f"MPII annotations in {root} ({names})", "none of them", f"fetch them: {PAGE}")
    return next(iter(found.items()))


def _read_bearpaw(root: Path, path: Path) -> MpiiPeople:
    entries = read_json(path)
    if not isinstance(entries, list) or not entries:
        raise InputError(f"a list of people in {path}", type(entries).__name__, "give a bearpaw or HRNet JSON")
    column = {}
    for key, shape in {
        "joint_self": (None, 16, 3),
        "objpos": (None, 2),
        "scale_provided": (None,),
        "isValidation": (None,),
        "annolist_index": (None,),
        "people_index": (None,),
    }.items():
        column[key] = _column(entries, key, shape, path)
    images = [f"images/{inside(need(e, 'img_paths', path, f'person {i}'), path)}" for i, e in enumerate(entries)]
    joints = column["joint_self"]
    return make_people(
        root,
        images,
        joints[..., :2],
        (joints[..., :2] != 0).any(-1),  # a missing joint is (0, 0)
        joints[..., 2] > 0,
        column["objpos"],
        column["scale_provided"],
        column["isValidation"] > 0,
        path,
        number=np.stack([column["annolist_index"], column["people_index"]], 1).astype(int),
    )


def _read_hrnet(root: Path, paths: list[Path]) -> MpiiPeople:
    parts = []
    for path in paths:
        entries = read_json(path)
        if not isinstance(entries, list) or not entries:
            raise InputError(f"a list of people in {path}", type(entries).__name__, "give a bearpaw or HRNet JSON")
        joints = _column(entries, "joints", (None, 16, 2), path)
        labelled = _column(entries, "joints_vis", (None, 16), path) > 0
        center, scale = _column(entries, "center", (None, 2), path), _column(entries, "scale", (None,), path)
        images = [f"images/{inside(need(e, 'image', path, f'person {i}'), path)}" for i, e in enumerate(entries)]
        validation = np.full(len(entries), path.stem == "valid")
        parts.append((images, joints, labelled, center, scale, validation))
    images, *arrays = zip(*parts, strict=True)
    joints, labelled, center, scale, validation = (np.concatenate(a) for a in arrays)
    names = [name for part in images for name in part]
    return make_people(root, names, joints, labelled, labelled, center, scale, validation, paths[0])


def _column(entries: list, key: str, shape: tuple[int | None, ...], path: Path) -> np.ndarray:
    """One key of all people; where they don't fit together, the first that doesn't fit is named."""
    values = [need(entry, key, path, f"person {i}") for i, entry in enumerate(entries)]
    try:
        array = np.array(values, np.float64)
        if array.shape[1:] == shape[1:] and in_float32(array).all():
            return array
    except (ValueError, TypeError):
        pass
    for i, value in enumerate(values):
        as_array(value, shape[1:], key, path, f"person {i}")
    raise InputError(f"{key} of one kind in {path}", "values that do not fit together", FETCH_AGAIN)


def make_people(
    root: Path,
    images: list[str],
    joints_1based: np.ndarray,
    labelled: np.ndarray,
    visible: np.ndarray,
    center_1based: np.ndarray,
    scale: np.ndarray,
    validation: np.ndarray,
    path: Path,
    head_boxes_1based: np.ndarray | None = None,
    number: np.ndarray | None = None,
) -> MpiiPeople:
    """What all three layouts hold, in one form; validation people get head boxes from the truth beside the file."""
    n = len(images)
    if (scale <= 0).any():
        bad = int(np.argmax(scale <= 0))
        raise InputError(f"a positive scale in {at(path, f'person {bad}')}", str(scale[bad]), FETCH_AGAIN)
    side = PERSON_PX * scale
    center = center_1based - 1.0 + np.stack([np.zeros(n), SHIFT_DOWN_PX * scale], 1)
    boxes = np.concatenate([center - side[:, None] / 2, side[:, None], side[:, None]], 1)
    head_boxes = np.full((n, 2, 2), np.nan) if head_boxes_1based is None else head_boxes_1based - 1.0
    if head_boxes_1based is None and validation.sum() == VALIDATION_PEOPLE:
        beside = [p for p in (path.parent / name for name in VALIDATION_FILES) if p.is_file()]
        if beside:
            head_boxes[validation] = read_mpii_validation(beside[0]).head_boxes_px
    return MpiiPeople(
        root,
        np.array(images),
        np.where(labelled[..., None], joints_1based - 1.0, np.nan).astype(np.float32),
        labelled,
        boxes.astype(np.float32),
        scale=scale,
        validation=validation,
        visible=visible & labelled,
        head_boxes_px=head_boxes,
        number=np.zeros((n, 2), int) if number is None else number,
    )


def load_mpii_validation(root: str | Path, truth: str | Path | None = None) -> tuple[MpiiPeople, MpiiValidation, str]:
    """The validation people, their truth for PCKh, and the name of the file it is from: `truth`, or else what
    `find_validation` finds, or else the official release, if that is the layout of the annotations.

    Raises InputError if annotations, photos or head boxes are missing, or are of different people.
    """
    root = Path(root)
    files = [Path(truth)] if truth else find_validation(root)
    people = load_mpii(root, "val")
    if files:
        validation, source = read_mpii_validation(files[0]), files[0].name
    elif np.isfinite(people.head_boxes_px).all():
        validation = MpiiValidation(people.joints_px, people.mask, people.head_boxes_px, None)
        source = "the official release"
    else:
        expected = f"{' or '.join(VALIDATION_FILES)} in {root} or {root / 'annot'}, for PCKh's head boxes"
        raise InputError(expected, "neither", "put one of them there, or the official release alone")
    if len(people) != len(validation.joints_px):
        fix = "use annotations of the whole validation split"
        raise InputError(f"{len(validation.joints_px)} validation people in {root}", str(len(people)), fix)
    return people.require_images(), validation, source


def find_validation(root: Path) -> list[Path]:
    """The files under a folder that hold head boxes of the validation people."""
    places = (folder / name for folder in (root, root / "annot") for name in VALIDATION_FILES)
    return [path for path in places if path.is_file()]


VALIDATION_FILES = ("detections_our_format.mat", "gt_valid.mat")
JOINT_NAMES = "rank rkne rhip lhip lkne lank pelv thor neck head rwri relb rsho lsho lelb lwri"
"""MPII16's joints as these files abbreviate them."""


def read_mpii_validation(path: str | Path) -> MpiiValidation:
    """Truth, head boxes and (in Tompson's file) detections, from detections_our_format.mat or HRNet's gt_valid.mat.

    Arrays there are (16, 2, N), (2, 2, N) and (16, N). For PCKh use this truth, not the JSON's: 13 joints differ.
    Raises InputError for a file that is missing, damaged, or has other joints.
    """
    path = Path(path)
    found = read_mat(path, ("jnt_missing", "pos_gt_src", "headboxes_src", "dataset_joints"))
    names = " ".join(str(np.squeeze(name)) for name in found["dataset_joints"].ravel())
    if names != JOINT_NAMES:
        raise InputError(f"dataset_joints {JOINT_NAMES} in {path}", names, FETCH_AGAIN)
    missing = as_array(found["jnt_missing"], (MPII16.n, None), "jnt_missing", path).T > 0
    joints = as_array(found["pos_gt_src"], (MPII16.n, 2, len(missing)), "pos_gt_src", path).transpose(2, 0, 1) - 1.0
    boxes = as_array(found["headboxes_src"], (2, 2, len(missing)), "headboxes_src", path).transpose(2, 0, 1) - 1.0
    detections = None
    if path.name == VALIDATION_FILES[0]:
        given = read_mat(path, ("pos_pred_src",))["pos_pred_src"]
        detections = as_array(given, (MPII16.n, 2, len(missing)), "pos_pred_src", path).transpose(2, 0, 1) - 1.0
    return MpiiValidation(np.where(missing[..., None], np.nan, joints), ~missing, boxes, detections)
