"""The doctor's examination of sets with 2D labels, and of packed photos."""

from collections import Counter
from pathlib import Path

import numpy as np

from wildpose.data.coco import PAGE as COCO_PAGE
from wildpose.data.coco import coco_annotations, load_coco
from wildpose.data.finding import Finding
from wildpose.data.lsp import read_joints
from wildpose.data.mpii import (
    PAGE,
    TRAIN_PEOPLE,
    VALIDATION_FILES,
    VALIDATION_PEOPLE,
    find_mpii,
    find_validation,
    load_mpii,
    read_mpii_validation,
)
from wildpose.data.packed import FOLDER, INDEX, PackedPhotos

LSP_PAGE = "http://sam.johnson.io/research/lsp.html"
LSPET_PAGE = "http://sam.johnson.io/research/lspet.html"
LSP_PHOTOS = 2000


def examine_joints_mat(root: Path, finding: Finding) -> None:
    """LSP has (3, 14, 2000), LSPET (14, 3, N): which it is, is said by that alone."""
    from scipy.io import whosmat

    path = root / "joints.mat"
    try:
        shapes = {name: tuple(shape) for name, shape, _ in whosmat(path)}
    except Exception as error:  # on damaged files SciPy's reader raises whatever it stumbles over
        finding.faults.append(f"{path} can't be read ({type(error).__name__}); fetch it again: {LSP_PAGE}")
        return
    shape = shapes.get("joints", ())
    if shape[:2] == (3, 14):
        finding.title, name, page, kind = "LSP", "im{:04d}.jpg", LSP_PAGE, (3, 14, None)
    elif shape[:2] == (14, 3):
        finding.title, name, page, kind = "LSPET", "im{:05d}.jpg", LSPET_PAGE, (14, 3, None)
    else:
        got = f"joints of {' x '.join(map(str, shape))}" if shape else f"only {', '.join(shapes) or 'nothing'}"
        finding.faults.append(
            f"ambiguous: joints.mat of LSP has joints of 3 x 14 x 2000, LSPET's 14 x 3 x N; this one has {got}; "
            f"fetch it again: {LSP_PAGE}"
        )
        return
    joints = finding.attempt(lambda: read_joints(root, kind))
    if joints is None:
        return
    if finding.title == "LSP" and shape[2] != LSP_PHOTOS:
        finding.faults.append(f"{LSP_PHOTOS} photos expected in joints.mat, got {shape[2]}; fetch it again: {page}")
    finding.holds.append(f"joints of {shape[2]} people")
    finding.check_photos([f"images/{name.format(i + 1)}" for i in range(shape[2])], f"fetch them: {page}")


def examine_mpii(root: Path, finding: Finding) -> None:
    """Counts, photos, and the head boxes that PCKh needs."""
    found = find_mpii(root)
    names: list[str] = []
    for layout, paths in found.items():
        people = [finding.attempt(lambda path=path: load_mpii(root, "train+val", path)) for path in paths]
        read = [part for part in people if part is not None]
        if len(read) < len(people):
            continue
        count = Counter(bool(flag) for part in read for flag in part.validation)
        finding.holds.append(f"{layout}: {count[False]} people to train, {count[True]} to validate")
        names += [name for part in read for name in part.images.tolist()]
        if layout == "hrnet" and len(paths) < 2:
            lacks = "valid" if paths[0].name == "train.json" else "train"
            finding.faults.append(f"annot/{lacks}.json is missing; fetch it where annot/{paths[0].name} came from")
        elif (count[False], count[True]) != (TRAIN_PEOPLE, VALIDATION_PEOPLE):
            finding.faults.append(
                f"{TRAIN_PEOPLE} people to train and {VALIDATION_PEOPLE} to validate expected in {paths[0]}, "
                f"got {count[False]} and {count[True]}; fetch it again: {PAGE}"
            )
    if len(found) > 1:
        first = next(iter(found))
        finding.notes.append(f"ambiguous: {' and '.join(found)} annotations; {first} is read unless you name another")
    if not found:
        finding.faults.append(f"annotations are missing; fetch mpii_human_pose_v1_u12_2.zip: {PAGE}")
    _examine_head_boxes(root, finding, "mat" in found)
    if names:
        finding.check_photos(names, f"fetch mpii_human_pose_v1.tar.gz: {PAGE}")


def _examine_head_boxes(root: Path, finding: Finding, in_release: bool) -> None:
    beside = find_validation(root)
    for path in beside:
        truth = finding.attempt(lambda path=path: read_mpii_validation(path))
        if truth is not None:
            finding.holds.append(f"{path.name}: head boxes of {len(truth.mask)} validation people")
    if not beside and not in_release:
        finding.notes.append(f"PCKh needs head boxes: {' or '.join(VALIDATION_FILES)}, beside the annotations")


def examine_coco(root: Path, finding: Finding) -> None:
    """Each split whose annotations or photos are there."""
    for split in ("train", "val"):
        path, photos = coco_annotations(root, split), root / f"{split}2017"
        if not path.is_file():
            if photos.is_dir():
                finding.faults.append(f"{path} is missing, {photos} is there; fetch it: {COCO_PAGE}")
            else:
                finding.notes.append(f"not here: {split}2017 ({COCO_PAGE})")
            continue
        people = finding.attempt(lambda split=split: load_coco(root, split, least_joints=1))
        if people is not None:
            finding.holds.append(f"{split}2017: {len(people)} people with labelled joints")
            finding.check_photos(people.images.tolist(), f"fetch {split}2017.zip: {COCO_PAGE}")


def examine_pack(root: Path, finding: Finding) -> None:
    """Is every tar there, and long enough for its last photo?"""
    remedy = "copy the whole pack again, or make it again with `wildpose data pack`"
    if not (root / FOLDER / INDEX).is_file():
        finding.faults.append(f"{root / FOLDER / INDEX} is missing: the pack isn't finished; run `wildpose data pack`")
        return
    pack = finding.attempt(lambda: PackedPhotos(root))
    if pack is None:
        return
    numbers, ends = np.asarray(pack.tar), np.asarray(pack.offset) + np.asarray(pack.bytes)
    missing, short = [], []
    for number in np.unique(numbers).tolist():
        path = pack.folder / f"{number:06d}.tar"
        if not path.is_file():
            missing.append(path.name)
        elif path.stat().st_size < ends[numbers == number].max():
            short.append(path.name)
    finding.holds.append(f"{len(pack)} photos in {len(np.unique(numbers))} tar files")
    finding.fault("tar files missing", missing, remedy)
    finding.fault("tar files cut short", short, remedy)
