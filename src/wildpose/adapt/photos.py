"""A user's photos as samples: what is held out, and the surroundings of each person, cut out once and kept small.

A photo from a phone takes a tenth of a second to decode, and would be decoded thirty times.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from tqdm import tqdm

from wildpose.data.batches import CROP_SCALE
from wildpose.data.own_photos import Size
from wildpose.data.people import People
from wildpose.data.sample import Sample
from wildpose.errors import InputError
from wildpose.geometry import apply_affine, crop_matrix, square_crop
from wildpose.metrics import torso_diameter
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.estimator import PoseEstimator
from wildpose.predict.inputs import PHOTO_SUFFIXES
from wildpose.predict.photos import read_photo
from wildpose.skeleton import MPII16

HELD_OUT_SHARE = 0.2
LEAST_PHOTOS = 10
"""With fewer, the two or three held out would say nothing."""
REACH = 2.5
"""Side of what is kept around a person, in sides of the plain crop: as far as augmentation looks, and beyond."""
FINENESS = 2.0
"""Its resolution, in that of the network's input."""
JPEG_QUALITY = 95
MOST_PEOPLE = 4
"""In an unlabelled photo."""
OWN_FOLDER = ".adapt"
"""How the name of a run's folder ends."""


def digests(people: People) -> dict[str, str]:
    """SHA-256 of each image of the people, by its name."""
    return {name: digest(people.root / name) for name in dict.fromkeys(people.images.tolist())}


def digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"a readable photo at {path}", error.strerror or "an error", "check its rights") from error


def split(people: People, content: dict[str, str]) -> tuple[Int[np.ndarray, " T"], Int[np.ndarray, " H"]]:
    """Rows to train on and rows held out: the fifth of the photos whose SHA-256 comes first.

    So everybody in a photo, and copies of it under other names, are on one side. Raises InputError for too few photos,
    or held-out people who all lack the torso that errors are measured by.
    """
    chosen = held_out_digests(content.values(), "labelled photos")
    held_out = np.array([content[name] in chosen for name in people.images.tolist()])
    if not (torso_diameter(people.joints_px.astype(np.float64))[held_out] > 0).any():
        expected = f"the left shoulder and right hip of someone in the {len(chosen)} held-out photos labelled"
        raise InputError(expected, "nobody's", "label these joints: their distance is what errors are measured by")
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def held_out_digests(content: Iterable[str], what: str) -> set[str]:
    """The first fifth of the digests, so that most stay where they are if photos are added. InputError for too few."""
    ranked = sorted(set(content))
    if len(ranked) < LEAST_PHOTOS:
        raise InputError(f"{LEAST_PHOTOS} or more different {what}", str(len(ranked)), "add some more")
    return set(ranked[: round(HELD_OUT_SHARE * len(ranked))])


@dataclass(frozen=True)
class Whole:
    """Samples from the photos as they are: what `wildpose predict` would be given."""

    people: People

    def __len__(self) -> int:
        return len(self.people)

    def load(self, i: int) -> Sample:
        people, path = self.people, self.people.path(i)
        return Sample(read_photo(path), people.joints_px[i], people.mask[i], people.boxes_xywh[i], image_path=path)


@dataclass(frozen=True)
class CutOut:
    """A person with surroundings; joints and box in its own px."""

    jpeg: UInt8[np.ndarray, " bytes"]
    joints_px: Float[np.ndarray, "16 2"]
    mask: Bool[np.ndarray, " 16"]
    box_xywh: Float[np.ndarray, " 4"]


@dataclass(frozen=True)
class CutOuts:
    """Samples from memory."""

    cut_outs: tuple[CutOut, ...]

    def __len__(self) -> int:
        return len(self.cut_outs)

    def load(self, i: int) -> Sample:
        one = self.cut_outs[i]
        image = cv2.cvtColor(cv2.imdecode(one.jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return Sample(image, one.joints_px, one.mask, one.box_xywh)


def cut_out(
    pyramid: ImagePyramid,
    joints_px: Float[np.ndarray, "16 2"],
    mask: Bool[np.ndarray, " 16"],
    box_xywh: Float[np.ndarray, " 4"],
    input_px: int,
) -> CutOut:
    """Everything within REACH of a person, at most FINENESS times as fine as the network sees it."""
    plain = square_crop(box_xywh, CROP_SCALE)
    zoom = min(1.0, FINENESS * input_px / plain.side_px)
    size_px = max(8, round(REACH * plain.side_px * zoom))
    around = square_crop(box_xywh, REACH * CROP_SCALE)
    picture_bgr = cv2.cvtColor(pyramid.cut(around, size_px), cv2.COLOR_RGB2BGR)
    encoded, jpeg = cv2.imencode(".jpg", picture_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert encoded, size_px
    matrix = crop_matrix(around, size_px)
    x, y, w, h = box_xywh.tolist()
    low, high = apply_affine(matrix, np.array([[x, y], [x + w, y + h]], np.float64))
    joints = apply_affine(matrix, joints_px.astype(np.float64))
    box = np.concatenate([low, high - low]).astype(np.float32)
    return CutOut(jpeg.ravel(), joints.astype(np.float32), mask, box)


def cut_out_labelled(people: People, sizes_wh: dict[str, Size], input_px: int) -> CutOuts:
    """Everyone, in order of their photos, each of which is read once.

    Raises InputError for photos that can't be read or that the labels don't fit.
    """
    ordered = sorted(range(len(people)), key=lambda i: str(people.images[i]))
    found = []
    with tqdm(total=len(ordered), desc="labelled photos", unit="person", disable=None, leave=False) as bar:
        for name, group in groupby(ordered, key=lambda i: str(people.images[i])):
            rows = list(group)
            path = people.path(rows[0])
            pyramid = ImagePyramid(read_photo(path))
            check_fit(pyramid.size_hw, sizes_wh.get(name), people.joints_px[rows], path)
            person = ((people.joints_px[i], people.mask[i], people.boxes_xywh[i]) for i in rows)
            found += [cut_out(pyramid, *each, input_px) for each in person]
            bar.update(len(rows))
    return CutOuts(tuple(found))


def check_fit(
    size_hw: tuple[int, int], stated_wh: Size | None, joints_px: Float[np.ndarray, "N 16 2"], path: Path
) -> None:
    """InputError if labels are of a photo of another size, or fall outside of it."""
    height, width = size_hw
    if stated_wh not in (None, (width, height)):
        got = f"{width} x {height} px (upright, by its EXIF)"
        expected = f"a photo of {stated_wh[0]} x {stated_wh[1]} px, as the labels say, at {path}"
        raise InputError(expected, got, "use the photos that were labelled")
    known = joints_px[np.isfinite(joints_px).all(-1)]
    outside = ((known < -0.5) | (known > np.array([width, height]) - 0.5)).any(-1).mean()
    if outside > 0.5:
        got = f"{100 * outside:.0f} % outside of its {width} x {height} px"
        raise InputError(f"labels inside the photo {path}", got, "use the photos that were labelled")


def list_photos(folder: Path, fix: str) -> list[Path]:
    """All photos in a folder and those inside it, by name, but for those that a run of ours keeps there. InputError,
    with `fix`, if there are none."""
    if not folder.is_dir():
        raise InputError("a folder of photos", f"{folder}", fix)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file())
    found = [
        path for path in found if not any(above.suffix == OWN_FOLDER for above in path.relative_to(folder).parents)
    ]
    if not found:
        raise InputError(f"photos ({', '.join(PHOTO_SUFFIXES)}) in {folder}", "none", fix)
    return found


def without(paths: Iterable[Path], known: set[str]) -> list[Path]:
    """Those whose content isn't among these digests: held-out photos must not come in by another door."""
    return [path for path in paths if digest(path) not in known]


def cut_out_unlabelled(paths: list[Path], estimator: PoseEstimator, input_px: int) -> CutOuts:
    """Whoever the detector finds, at most MOST_PEOPLE a photo. InputError if that is nobody, or for damaged photos."""
    nowhere, nothing = np.full((MPII16.n, 2), np.nan, np.float32), np.zeros(MPII16.n, bool)
    found = _people_in(paths, estimator)
    cut_outs = tuple(cut_out(pyramid, nowhere, nothing, box, input_px) for _, pyramid, boxes in found for box in boxes)
    if not cut_outs:
        raise InputError("people in the unlabelled photos", f"none in {len(paths)}", "add photos of people, or labels")
    return CutOuts(cut_outs)


def box_people(root: Path, paths: list[Path], estimator: PoseEstimator) -> People:
    """The same people as rows without labels, of photos under `root`. InputError likewise."""
    found = [(str(path.relative_to(root)), box) for path, _, boxes in _people_in(paths, estimator) for box in boxes]
    if not found:
        raise InputError("people in the held-out photos", f"none in {len(paths)}", "add photos of people")
    images, boxes_xywh = (np.array(column) for column in zip(*found, strict=True))
    shape = len(found), MPII16.n
    nowhere = np.full((*shape, 2), np.nan, np.float32)
    return People(root, images, nowhere, np.zeros(shape, bool), boxes_xywh.astype(np.float32))


def _people_in(
    paths: list[Path], estimator: PoseEstimator
) -> Iterator[tuple[Path, ImagePyramid, list[Float[np.ndarray, " 4"]]]]:
    """Each photo, read once, with the boxes of whoever is found in it."""
    for path in tqdm(paths, "people in unlabelled photos", unit="photo", disable=None, leave=False):
        image = read_photo(path)
        poses = estimator.predict(image, max_people=MOST_PEOPLE)
        yield path, ImagePyramid(image), [pose.box_xywh for pose in poses]
