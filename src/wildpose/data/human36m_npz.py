"""Human3.6M as an index of .npz files (MMPose's layout): millions of frames open at once, rows are read when asked for.

`annotation_body3d/fps50/h36m_train.npz` (or fps10, or stride64) holds imgname (N,), center (N, 2), scale (N,) in
200 px, part (N, 17, 3) px and S (N, 17, 4) camera-frame metres; `cameras.pkl` or `cameras.json` the cameras by subject
and name. Frame numbers are 1-based, at 50 a second, and stand in the images' names.
"""

import re
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from wildpose.data.checks import check_cameras_agree, check_projection, check_sides_3d, check_unit
from wildpose.data.files import FETCH_AGAIN, as_array, at, check_shape, inside
from wildpose.data.human36m import (
    OTHER_NAMES,
    Sequence,
    Split,
    find_human36m,
    is_corrupt,
    subjects_of,
    to_mpii16,
)
from wildpose.data.human36m_cameras import read_cameras
from wildpose.data.npz import read_npz, row_chunks
from wildpose.data.people import PELVIS
from wildpose.data.sample import Camera, Sample, read_photo, require_photos
from wildpose.errors import InputError

STORED_STRIDES = {"fps50": 1, "fps25": 2, "fps10": 5, "fps5": 10}
"""Folders of MMPose by how far apart their frames are at 50 a second; ours are called stride1, stride5, stride64."""
SHAPES = {"imgname": (None,), "center": (None, 2), "scale": (None,), "part": (None, 17, 3), "S": (None, 17, 4)}
MM_PER_M = 1000.0
SCALE_PX, CROP_SCALE = 200.0, 1.25
CHECKED_ROWS = 512
_NAME = re.compile(r"(?:.*/)?(S\d+)_([A-Za-z]+)(?:_(\d+))?\.(\d+)_(\d+)\.(?:jpg|png)")
"""The take has no number in some of MMPose's names (S11_Directions.54138969_000001.jpg), as in the official files."""


class _Part:
    """One file: its mapped arrays, and for each row its sequence and its frame."""

    def __init__(self, path: Path):
        self.path = path
        self.arrays = read_npz(path, SHAPES)
        count = len(self.arrays["imgname"])
        for key, shape in SHAPES.items():
            check_shape(self.arrays[key].shape, (count, *shape[1:]), key, path)
        self.sequences: list[Sequence] = []
        self.code = np.empty(count, np.int32)
        self.frame = np.empty(count, np.int32)
        self._parse_names()

    def _parse_names(self) -> None:
        codes: dict[str, int] = {}
        row = 0
        for chunk in row_chunks(self.arrays["imgname"]):
            frames, places = [], []
            for name in chunk.tolist():
                name = _text(name)
                stem, _, rest = name.rpartition("_")
                if stem not in codes:
                    codes[stem] = self._add_sequence(name, f"imgname[{row + len(frames)}]")
                digits = rest[:-4]
                if not digits.isdecimal() or rest[-4:] not in (".jpg", ".png"):
                    raise self._unnamed(name, f"imgname[{row + len(frames)}]")
                places.append(codes[stem])
                frames.append(int(digits))
            self.code[row : row + len(places)] = places
            self.frame[row : row + len(frames)] = frames
            row += len(places)

    def _add_sequence(self, name: str, where: str) -> int:
        inside(name, self.path, where)
        match = _NAME.fullmatch(name)
        if not match:
            raise self._unnamed(name, where)
        subject, action, subaction, camera, _ = match.groups()
        self.sequences.append(Sequence(subject, OTHER_NAMES.get(action, action), int(subaction or 0), camera))
        return len(self.sequences) - 1

    def _unnamed(self, name: str, where: str) -> InputError:
        expected = (
            f"a name like S1/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg in {self.path}, {where}"
        )
        return InputError(expected, repr(name), FETCH_AGAIN)


def _text(name: bytes | str) -> str:
    """A stored name; ours are bytes, four times smaller."""
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


class Human36mIndex:
    """Some rows of the index as samples; arrays over them are made when asked for."""

    def __init__(self, root: Path, split: Split, stride: int | None = None):
        self.root = root
        self.cameras = read_cameras(root)
        splits = ("train", "test") if split == "train+test" else (split,)
        self._parts = [_Part(_choose(root, name, stride)) for name in splits]
        self._rows = [_select(part, subjects_of(split), stride) for part in self._parts]
        self._ends = np.cumsum([len(rows) for rows in self._rows])
        if not len(self):
            raise InputError(f"frames of split {split} in {self._parts[0].path}", "none", "check the subjects")
        for part, rows in zip(self._parts, self._rows, strict=True):
            self._check(part, rows)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def load(self, i: int) -> Sample:
        """Row i with its image; InputError if the image is missing or the row isn't finite."""
        part, row = self._at(i)
        joints_px, joints_cam_mm, boxes = self._values(part, np.array([row]))
        sequence = part.sequences[part.code[row]]
        path = self.path(i)
        return Sample(
            read_photo(path),
            joints_px[0],
            np.isfinite(joints_px[0]).all(-1),
            boxes[0],
            joints_cam_mm[0],
            self._camera(part, sequence),
            sequence.subject,
            sequence.action,
            path,
        )

    def require_images(self) -> "Human36mIndex":
        """Itself, if every image is there, loose or packed; else InputError with the first five that are not."""
        require_photos((self.path(i) for i in range(len(self))), self.root)
        return self

    def path(self, i: int) -> Path:
        """Where the image of row i is."""
        part, row = self._at(i)
        return self.root / "images" / _text(part.arrays["imgname"][row])

    @cached_property
    def joints_px(self) -> Float[np.ndarray, "N 16 2"]:
        """2D labels, px, lens distortion as in the image."""
        return self._arrays[0]

    @cached_property
    def joints_cam_mm(self) -> Float[np.ndarray, "N 16 3"]:
        """Camera frame, mm."""
        return self._arrays[1]

    @cached_property
    def boxes_xywh(self) -> Float[np.ndarray, "N 4"]:
        """Squares around the people, px; 1.25 times as large is the crop that MMPose takes."""
        return self._arrays[2]

    @property
    def mask(self) -> Bool[np.ndarray, "N 16"]:
        """All True: what is hidden is known too."""
        return np.isfinite(self.joints_px).all(-1)

    @property
    def subject(self) -> Shaped[np.ndarray, " N"]:
        return self._labels("subject")

    @property
    def action(self) -> Shaped[np.ndarray, " N"]:
        return self._labels("action")

    @property
    def camera_name(self) -> Shaped[np.ndarray, " N"]:
        return self._labels("camera")

    @property
    def frame(self) -> Int[np.ndarray, " N"]:
        """1-based, 50 a second."""
        return np.concatenate([p.frame[rows] for p, rows in zip(self._parts, self._rows, strict=True)])

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        found = [self._values(part, rows) for part, rows in zip(self._parts, self._rows, strict=True)]
        return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))

    def _labels(self, field: str) -> np.ndarray:
        parts = zip(self._parts, self._rows, strict=True)
        return np.concatenate([np.array([getattr(s, field) for s in p.sequences])[p.code[rows]] for p, rows in parts])

    def _at(self, i: int) -> tuple[_Part, int]:
        if not 0 <= i < len(self):
            raise IndexError(i)
        which = int(np.searchsorted(self._ends, i, side="right"))
        return self._parts[which], int(self._rows[which][i - (int(self._ends[which - 1]) if which else 0)])

    def _camera(self, part: _Part, sequence: Sequence) -> Camera:
        key = (sequence.subject, sequence.camera)
        if key not in self.cameras:
            have = ", ".join(" ".join(k) for k in list(self.cameras)[:4])
            expected = f"camera {' '.join(key)} of {part.path} among the cameras in {self.root}"
            raise InputError(expected, f"{have} ...", FETCH_AGAIN)
        return self.cameras[key]

    def _values(self, part: _Part, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(joints_px, joints_cam_mm, boxes) of some rows, finite, float32."""
        where = f"rows {rows[0]} to {rows[-1]}"
        count = len(rows)
        arrays = part.arrays
        part_px = as_array(arrays["part"][rows], (count, 17, 3), "part", part.path, where)[..., :2]
        joints_m = as_array(arrays["S"][rows], (count, 17, 4), "S", part.path, where)[..., :3]
        center = as_array(arrays["center"][rows], (count, 2), "center", part.path, where)
        side = as_array(arrays["scale"][rows], (count,), "scale", part.path, where) * SCALE_PX / CROP_SCALE
        boxes = np.concatenate([center - side[:, None] / 2, side[:, None], side[:, None]], 1)
        joints_cam_mm = to_mpii16(joints_m * MM_PER_M)
        return to_mpii16(part_px).astype(np.float32), joints_cam_mm.astype(np.float32), boxes.astype(np.float32)

    def _check(self, part: _Part, rows: np.ndarray) -> None:
        """Units, sides and cameras of some rows spread over the file."""
        if not len(rows):
            return
        some = rows[np.unique(np.linspace(0, len(rows) - 1, CHECKED_ROWS).astype(int))]
        joints_px, joints_cam_mm, _ = self._values(part, some)
        check_unit(joints_cam_mm, part.path, "S", "m")
        check_sides_3d(joints_cam_mm, part.path)
        of = np.array([f"{s.subject} {s.camera}" for s in part.sequences])[part.code[some]]
        for name in np.unique(of):
            at_hand = of == name
            camera = self._camera(part, part.sequences[part.code[some[at_hand][0]]])
            seen = np.isfinite(joints_px[at_hand]).all(-1)
            check_projection(joints_cam_mm[at_hand], joints_px[at_hand], seen, camera, part.path, f"camera {name}")
        self._check_places(part, rows)

    def _check_places(self, part: _Part, rows: np.ndarray) -> None:
        """That the cameras of a subject see it in one place: some moments of one take, where several are here."""
        takes: dict[str, dict[int, Sequence]] = {}
        for code in np.unique(part.code[rows]).tolist():
            sequence = part.sequences[code]
            take = sequence._replace(camera="").name
            if all(take.split("_")[0] != other.split("_")[0] for other in takes if other != take):
                takes.setdefault(take, {})[code] = sequence
        for take, seen in takes.items():
            of = {code: rows[part.code[rows] == code] for code in seen}
            common = set.intersection(*(set(part.frame[own].tolist()) for own in of.values()))
            moments = sorted(common)[:: max(1, len(common) // 8)]
            if len(seen) < 2 or not moments:
                continue
            places = {}
            for code, own in of.items():
                camera = self._camera(part, seen[code])
                frames, at = np.unique(part.frame[own], return_index=True)
                some = own[at[np.isin(frames, moments)]]
                pelvis = self._values(part, some)[1][:, PELVIS].astype(np.float64)
                places[seen[code].camera] = (pelvis - camera.t_mm) @ camera.R
            check_cameras_agree(places, part.path, f"take {take.rstrip('.')}")


def _choose(root: Path, split: str, stride: int | None) -> Path:
    """The file of that split whose frames are no closer than they need to be."""
    files = [path for path in find_human36m(root).get("npz", []) if path.name == f"h36m_{split}.npz"]
    if not files:
        expected = f"annotation_body3d/*/h36m_{split}.npz in {root}"
        raise InputError(expected, "no such file", "`wildpose data prepare human36m` writes it")
    if stride is None and len(files) > 1:
        names = ", ".join(path.parent.name for path in files)
        raise InputError(
            f"one h36m_{split}.npz in {root / 'annotation_body3d'}", names, "say which frames: give a stride"
        )
    fitting = [path for path in files if stride is None or stride % stored_stride(path) == 0]
    return max(fitting or files, key=stored_stride)


def stored_stride(path: Path) -> int:
    """How many frames apart the rows of a file are, by the name of its folder; 1 if it says nothing."""
    folder = path.parent.name
    number = folder.removeprefix("stride")
    return int(number) if folder.startswith("stride") and number.isdecimal() else STORED_STRIDES.get(folder, 1)


def _select(part: _Part, subjects: tuple[str, ...], stride: int | None) -> Int[np.ndarray, " M"]:
    """Rows of those subjects at that stride, without the corrupt sequence; InputError if the file has other frames."""
    usable = np.array([s.subject in subjects and not is_corrupt(s) for s in part.sequences], bool)
    rows = np.flatnonzero(usable[part.code])
    if stride is None:
        return rows
    if stride < 1:
        raise InputError("a stride of 1 or more", str(stride), "training uses 5, tests 64")
    wanted = rows[(part.frame[rows] - 1) % stride == 0]
    last = np.zeros(len(part.sequences), np.int64)
    np.maximum.at(last, part.code[rows], part.frame[rows])
    expected = int(((last[last > 0] - 1) // stride + 1).sum())
    if len(wanted) < 0.9 * expected:
        raise InputError(
            f"about {expected} frames 1, {1 + stride}, {1 + 2 * stride} ... in {at(part.path)}",
            f"{len(wanted)}: its frames are {stored_stride(part.path)} or more apart",
            f"make an index with stride {stride}: `wildpose data prepare human36m`, or choose another stride",
        )
    return wanted
