"""The doctor's examination of sets with 3D labels."""

from itertools import product
from pathlib import Path

import numpy as np

from wildpose.data.finding import Finding, listed
from wildpose.data.human36m import ACTIONS, CAMERA_NAMES, PAGE, SUBJECTS, Sequence, find_human36m, is_corrupt
from wildpose.data.human36m_archives import ARCHIVES, FOLDERS, METADATA, find_place, read_metadata, read_takes
from wildpose.data.human36m_h5 import load_h5
from wildpose.data.human36m_json import KINDS_OF_FILE, read_subject
from wildpose.data.human36m_npz import Human36mIndex, stored_stride
from wildpose.data.mpi_inf_3dhp import PAGE as PAGE_3DHP
from wildpose.data.mpi_inf_3dhp import TEST_FRAMES, find_test_sequences, read_test
from wildpose.data.mpi_inf_3dhp_train import (
    CAMERAS,
    SEQUENCES,
    find_train_sequences,
    frame_path,
    read_sequence,
    stride_in,
)
from wildpose.data.npz import read_npz, row_chunks
from wildpose.data.studio import StudioSet, read_manifest, read_shard

PREPARE = "`wildpose data prepare human36m`"
MOON = "https://github.com/mks0601/3DMPPE_POSENET_RELEASE"
ZHOU = "https://github.com/xingyizhou/pytorch-pose-hg-3d"


def examine_rendered(root: Path, finding: Finding) -> None:
    """Every shard: there, unchanged by its sha256, of the right shapes; every picture a whole JPEG."""
    manifest = finding.attempt(lambda: read_manifest(root))
    if manifest is None:
        return
    kind, split = manifest.get("kind", "studio"), manifest.get("split", "train")
    again = f"run `wildpose data {kind} --out {root}` again with its settings: it goes on where it stopped"
    finding.title = f"rendered set: {kind} {split}"
    done = 0
    for shard in manifest["shards"]:
        if finding.attempt(lambda shard=shard: read_shard(root, shard)) is not None:
            done += shard["images"]
    finding.holds.append(f"{done} of {manifest['images']} pictures in {len(manifest['shards'])} shards")
    if not manifest["complete"]:
        finding.faults.append(f"unfinished: {done} of {manifest['images']} pictures; {again}")
    if not finding.faults:
        pictures = StudioSet(root, verify=False)
        broken = [i for i in range(len(pictures)) if not _is_jpeg(pictures.jpeg(i))]
        finding.fault("pictures that are no JPEG", map(str, broken), again)
        finding.notes.append(f"`wildpose data check {root}` decodes every picture and projects its 3D joints")


def _is_jpeg(content: np.ndarray) -> bool:
    return content[:2].tolist() == [0xFF, 0xD8] and content[-2:].tolist() == [0xFF, 0xD9]


def examine_human36m_npz(root: Path, finding: Finding) -> None:
    """Each index: cameras, units, sides, every row finite, every sequence there, photos."""
    paths = find_human36m(root)["npz"]
    names: list[str] = []
    for split in SUBJECTS:
        of_split = [path for path in paths if path.name == f"h36m_{split}.npz"]
        if not of_split:
            finding.notes.append(f"not here: h36m_{split}.npz ({PREPARE} makes it)")
        elif len(of_split) > 1:
            folders = ", ".join(path.parent.name for path in of_split)
            finding.notes.append(f"ambiguous: h36m_{split}.npz lies in {folders}; the stride you give chooses")
        for path in of_split:
            index = finding.attempt(lambda path=path, split=split: Human36mIndex(root, split, stored_stride(path)))
            if index is None:
                continue
            finding.holds.append(f"{path.relative_to(root)}: {len(index)} frames, stride {stored_stride(path)}")
            _check_rows(path, finding)
            have = set(zip(*(x.tolist() for x in (index.subject, index.action, index.camera_name)), strict=True))
            missing = [s.name for s in _sequences(split) if (s.subject, s.action, s.camera) not in have]
            finding.fault(f"sequences missing in {path}", missing, f"{PREPARE} makes them")
            names += [index.path(i).relative_to(root).as_posix() for i in range(len(index))]
    if names:
        finding.check_photos(names, f"{PREPARE} extracts them from the videos")


def _check_rows(path: Path, finding: Finding) -> None:
    arrays = read_npz(path, ("part", "S", "center", "scale"))
    for key, array in arrays.items():
        bad, start = [], 0
        for chunk in row_chunks(array):
            finite = np.isfinite(chunk.reshape(len(chunk), -1)).all(1)
            bad += (start + np.flatnonzero(~finite)).tolist()
            start += len(chunk)
        finding.fault(f"rows of {key} in {path} not finite", map(str, bad), f"{PREPARE} makes the index again")


def _sequences(split: str) -> list[Sequence]:
    """One of every action and camera of a split's subjects."""
    return [Sequence(s, action, 1, camera) for s, action, camera in product(SUBJECTS[split], ACTIONS, CAMERA_NAMES)]


def examine_human36m_json(root: Path, finding: Finding) -> None:
    """Three files a subject; what is in them; photos."""
    names: list[str] = []
    for split, subjects in SUBJECTS.items():
        files = {
            subject: [root / "annotations" / f"Human36M_subject{subject[1:]}_{kind}.json" for kind in KINDS_OF_FILE]
            for subject in subjects
        }
        missing = [path.name for paths in files.values() for path in paths if not path.is_file()]
        if len(missing) == len(subjects) * len(KINDS_OF_FILE):
            finding.notes.append(f"not here: {', '.join(subjects)}, who {split} ({MOON})")
            continue
        finding.fault("files missing in annotations/", missing, f"fetch them: {MOON}")
        for subject, paths in files.items():
            if all(path.is_file() for path in paths):
                people = finding.attempt(lambda subject=subject: read_subject(root, subject, 1))
                if people is not None:
                    finding.holds.append(f"{subject}: {len(people)} frames")
                    names += people.images.tolist()
    if names:
        finding.check_photos(names, f"fetch them: {MOON}")


def examine_human36m_h5(root: Path, finding: Finding) -> None:
    """Both files of Zhou et al.'s."""
    names: list[str] = []
    for split, file in (("train", "annotSampleTrain.h5"), ("test", "annotSampleTest.h5")):
        if not any(path.name == file for path in find_human36m(root)["h5"]):
            finding.notes.append(f"not here: {file} ({ZHOU})")
            continue
        people = finding.attempt(lambda split=split: load_h5(root, split))
        if people is not None:
            finding.holds.append(f"{file}: {len(people)} frames")
            names += people.images.tolist()
    if names:
        finding.check_photos(names, f"fetch them: {ZHOU}")


def examine_human36m_archives(root: Path, finding: Finding) -> None:
    """Both archives of each subject, metadata.xml, every take's poses; videos by name where they are unpacked."""
    metadata = finding.attempt(lambda: read_metadata(root / METADATA))
    missing = []
    for subject in (subject for split in SUBJECTS.values() for subject in split):
        places = {kind: find_place(root, subject, kind) for kind in ARCHIVES}
        missing += [ARCHIVES[kind].format(subject) for kind, place in places.items() if place is None]
        if metadata is None or places["poses"] is None:
            continue
        takes = finding.attempt(lambda subject=subject: read_takes(root, subject, metadata))
        if takes is not None:
            finding.holds.append(f"{subject}: {len(takes)} takes, {sum(map(len, takes.values()))} poses")
        folder = root / subject / FOLDERS["videos"]
        if folder.is_dir():
            of_take = metadata.takes.get(subject, {}).items()
            expected = {f"{n}.{c}.mp4": Sequence(subject, *take, c) for take, n in of_take for c in CAMERA_NAMES}
            lacking = [name for name, s in expected.items() if not is_corrupt(s) and not (folder / name).is_file()]
            finding.fault(f"videos missing in {folder}", lacking, f"fetch {ARCHIVES['videos'].format(subject)}: {PAGE}")
    finding.fault("archives missing", missing, f"fetch them: {PAGE}")
    finding.notes.append(f"archives are read by `wildpose data prepare human36m {root} --out DIR` only")


def examine_3dhp_test(root: Path, finding: Finding) -> None:
    """All six sequences, their valid frames, photos."""
    found = find_test_sequences(root)
    remedy = f"fetch the test set: {PAGE_3DHP}"
    finding.fault("of six test sequences missing", [ts for ts in TEST_FRAMES if ts not in found], remedy)
    twice = [ts for ts in TEST_FRAMES if (root / ts / "annot_data.mat").is_file() and found[ts].parent != root / ts]
    if twice:
        finding.notes.append(f"ambiguous: {listed(twice)} twice; those in mpi_inf_3dhp_test_set are read")
    names: list[str] = []
    for ts, path in found.items():
        people = finding.attempt(lambda ts=ts, path=path: read_test(root, ts, path, "univ_annot3"))
        if people is None:
            continue
        names += people.images.tolist()
        finding.holds.append(f"{ts}: {len(people)} valid frames")
        if len(people) != TEST_FRAMES[ts][1]:
            finding.faults.append(f"{TEST_FRAMES[ts][1]} valid frames expected in {path}, got {len(people)}; {remedy}")
    if names:
        finding.check_photos(names, remedy)


def examine_3dhp_train(root: Path, finding: Finding) -> None:
    """Which of the sixteen sequences are here, what is in them, and whether frames were extracted, at which stride."""
    folders = find_train_sequences(root)
    here = {folder.relative_to(root).as_posix() for folder in folders}
    remedy = f"fetch them: {PAGE_3DHP}"
    finding.fault("of sixteen training sequences missing", [name for name in SEQUENCES if name not in here], remedy)
    names: list[str] = []
    bare = []
    for folder in folders:
        parts = finding.attempt(lambda folder=folder: read_sequence(root, folder, "annot3", 1))
        for camera, part in zip(CAMERAS, parts or [], strict=False):
            stride = stride_in(folder / "imageFrames" / f"video_{camera}")
            if stride is None:
                bare.append(f"{folder.relative_to(root)}/imageFrames/video_{camera}")
            else:
                at = folder.relative_to(root).as_posix()
                names += [f"{at}/{frame_path(camera, frame)}" for frame in range(1, len(part) + 1, stride)]
        if parts:
            finding.holds.append(f"{folder.relative_to(root)}: {len(parts[0])} frames, {len(parts)} cameras")
    extract = f"run `wildpose data prepare mpi-inf-3dhp {root}`, which extracts them"
    finding.fault("cameras without frames", bare, extract)
    if names:
        finding.check_photos(names, extract)
