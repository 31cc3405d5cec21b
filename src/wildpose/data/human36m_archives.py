"""Human3.6M as its authors give it out: per subject an archive of 3D poses (CDF) and one of videos, and metadata.xml.

Poses_D3_Positions_S1.tgz holds S1/MyPoseFeatures/D3_Positions/<name>.cdf with the variable Pose, (1, N, 96): 32 joints
in the room, mm, a row a frame. Videos_S1.tgz holds S1/Videos/<name>.<camera>.mp4, 50 frames a second; metadata.xml, of
the authors' software, gives the cameras and by subject the names of the takes ("Directions 1", "Directions", ...).
Either kind is read packed, in one pass, or unpacked.
"""

import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from wildpose.data.files import FETCH_AGAIN, as_array
from wildpose.data.human36m import ACTION_OF_NUMBER, CAMERA_NAMES, PAGE
from wildpose.data.human36m_cameras import Cameras, parse_w0
from wildpose.errors import InputError
from wildpose.skeleton import H36M17, H36M32

JOINTS17 = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
"""The usual 17 of the 32 joints, in H36M17's order."""
FOLDERS = {"poses": "MyPoseFeatures/D3_Positions", "videos": "Videos"}
ARCHIVES = {"poses": "Poses_D3_Positions_{}.tgz", "videos": "Videos_{}.tgz"}
SUFFIXES = {"poses": ".cdf", "videos": ".mp4"}
METADATA = "metadata.xml"
assert len(JOINTS17) == H36M17.n


@dataclass(frozen=True)
class Metadata:
    """What metadata.xml says."""

    cameras: Cameras
    takes: dict[str, dict[tuple[str, int], str]]
    """By subject: (action, first or second take) -> the name that its files begin with."""


def read_metadata(path: Path) -> Metadata:
    """Cameras and names of takes; InputError if the file is missing, damaged or lacks one of them."""
    if not path.is_file():
        fix = f"it comes with the authors' software (Code, at {PAGE}); put it there or name it with --metadata"
        raise InputError(f"{path}", "no such file", fix)
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise InputError(f"XML in {path}", str(error), FETCH_AGAIN) from None
    w0 = root.findtext("w0")
    mapping = root.find("mapping")
    if w0 is None or mapping is None or not len(mapping):
        have = ", ".join(sorted({child.tag for child in root})) or "nothing"
        raise InputError(f"elements w0 and mapping in {path}", f"only {have}", FETCH_AGAIN)
    rows = [[(cell.text or "").strip() for cell in row] for row in mapping]
    subjects = rows[0][2:]
    takes: dict[str, dict[tuple[str, int], str]] = {subject: {} for subject in subjects}
    for number, take, *names in rows[1:]:
        if number.isdecimal() and int(number) in ACTION_OF_NUMBER and take.isdecimal():
            for subject, name in zip(subjects, names, strict=False):
                takes[subject][ACTION_OF_NUMBER[int(number)], int(take)] = name
    return Metadata(parse_w0(w0, path), takes)


def find_place(source: Path, subject: str, kind: str) -> Path | None:
    """The unpacked folder or else the archive of a subject's `poses` or `videos`; None if there is neither."""
    folder = source / subject / FOLDERS[kind]
    if folder.is_dir():
        return folder
    name = ARCHIVES[kind].format(subject)
    return next((path for pattern in ("", "*/", "*/*/") for path in sorted(source.glob(pattern + name))), None)


def files_of(place: Path, subject: str, kind: str) -> Iterator[tuple[str, Path]]:
    """(name without suffix, file) of all in a folder or archive. A file of an archive lives until the next one comes.

    Raises InputError for an archive that is damaged or cut short.
    """
    suffix = SUFFIXES[kind]
    if place.is_dir():
        yield from ((path.name.removesuffix(suffix), path) for path in sorted(place.glob(f"*{suffix}")))
        return
    wanted = re.compile(rf"(?:.*/)?{subject}/{FOLDERS[kind]}/([^/]+)\{suffix}")
    try:
        with tempfile.TemporaryDirectory() as scratch, tarfile.open(place, "r|*") as tar:
            for member in tar:
                match = wanted.fullmatch(str(PurePosixPath(member.name)))
                stream = tar.extractfile(member) if match and member.isfile() else None
                if match and stream:  # its own name for the copy: what the archive calls it can't lead anywhere
                    path = Path(scratch) / f"one{suffix}"
                    with path.open("wb") as copy:
                        shutil.copyfileobj(stream, copy)
                    yield match[1], path
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f"a whole archive at {place}", f"{type(error).__name__} ({error})", FETCH_AGAIN) from None


def read_poses(path: Path, where: str) -> Float[np.ndarray, "N 17 3"]:
    """The usual 17 joints of a take in the room, mm; InputError if the CDF is damaged or holds something else."""
    import cdflib

    try:
        stored = cdflib.CDF(path).varget("Pose")
    except Exception as error:  # on damaged files cdflib raises whatever it stumbles over
        raise InputError(f"a CDF file with Pose at {where}", f"{type(error).__name__} ({error})", FETCH_AGAIN) from None
    stored = np.asarray(stored)
    width = H36M32.n * 3
    if stored.ndim == 3 and stored.shape[0] == 1:
        stored = stored[0]
    flat = as_array(stored, (None, width), "Pose", Path(where))
    return flat.reshape(-1, H36M32.n, 3)[:, JOINTS17]


def read_takes(source: Path, subject: str, metadata: Metadata) -> dict[tuple[str, int], Float[np.ndarray, "N 17 3"]]:
    """Poses of a subject's thirty takes by action and take; InputError if archive, take or name is missing."""
    place = find_place(source, subject, "poses")
    if place is None:
        expected = f"{ARCHIVES['poses'].format(subject)} or {subject}/{FOLDERS['poses']} in {source}"
        raise InputError(expected, "neither", f"fetch it: {PAGE}")
    names = metadata.takes.get(subject, {})
    if len(names) != 2 * len(ACTION_OF_NUMBER):
        expected = f"names of {2 * len(ACTION_OF_NUMBER)} takes of {subject} in {METADATA}"
        raise InputError(expected, str(len(names)), FETCH_AGAIN)
    of_name = {name: take for take, name in names.items()}
    poses = {}
    for name, path in files_of(place, subject, "poses"):
        if name in of_name:
            poses[of_name[name]] = read_poses(path, f"{place}, {name}.cdf" if not place.is_dir() else f"{path}")
    missing = [f"{names[take]}.cdf" for take in names if take not in poses]
    if missing:
        got = f"{len(missing)} missing ({', '.join(missing[:5])})"
        raise InputError(f"{len(names)} takes in {place}", got, f"fetch it again: {PAGE}")
    return {take: poses[take] for take in names}


def expected_videos(names: dict[tuple[str, int], str]) -> dict[str, tuple[tuple[str, int], str]]:
    """Names of a subject's videos without suffix -> (its take, its camera)."""
    return {f"{name}.{camera}": (take, camera) for take, name in names.items() for camera in CAMERA_NAMES}
