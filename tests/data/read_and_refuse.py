"""Every reader with a small file of its format, for the tests of what readers refuse."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from made_3dhp import write_test, write_train
from made_human36m import write_index, write_legacy, write_triple
from made_mpii import write_bearpaw, write_hrnet, write_release, write_validation
from scipy.io import savemat
from test_coco import write_coco
from test_studio_reader import shard, write_set

from wildpose.data.coco import load_coco
from wildpose.data.human36m import load_human36m
from wildpose.data.lsp import read_joints
from wildpose.data.mpi_inf_3dhp import load_mpi_inf_3dhp
from wildpose.data.mpii import load_mpii, read_mpii_validation
from wildpose.data.mpii_mat import validation_people
from wildpose.data.packed import PackedPhotos, pack
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError

FIRST_VALIDATION = tuple(validation_people()[0].tolist())


def nothing(*_) -> None:
    pass


def write_lsp(root: Path, change: Callable = nothing) -> None:
    arrays = {"joints": np.ones((3, 14, 40)) * np.arange(14)[:, None] * 3}
    change(arrays)
    savemat(root / "joints.mat", arrays)


def write_lspet(root: Path, change: Callable = nothing) -> None:
    arrays = {"joints": np.ones((14, 3, 40)) + np.arange(14)[:, None, None] * 3}
    change(arrays)
    savemat(root / "joints.mat", arrays)


def write_packed(root: Path, change: Callable = nothing) -> None:
    (root / "a.jpg").write_bytes(b"photo")
    pack(root)


class Reader(NamedTuple):
    write: Callable
    load: Callable[[Path], object]
    file: str
    """The file that is damaged."""


def h36m(root: Path):
    return load_human36m(root, "test")


READERS = {
    "lsp": Reader(write_lsp, lambda root: read_joints(root, (3, 14, None)), "joints.mat"),
    "lspet": Reader(write_lspet, lambda root: read_joints(root, (14, 3, None)), "joints.mat"),
    "mpii bearpaw": Reader(write_bearpaw, lambda root: load_mpii(root, "train"), "mpii_annotations.json"),
    "mpii hrnet": Reader(write_hrnet, lambda root: load_mpii(root, "train"), "annot/train.json"),
    "mpii release": Reader(
        lambda root, change=nothing: write_release(root, FIRST_VALIDATION, change),
        lambda root: load_mpii(root, "train"),
        "mpii_human_pose_v1_u12_1.mat",
    ),
    "mpii validation": Reader(
        lambda root, change=nothing: write_validation(root / "gt_valid.mat"),
        lambda root: read_mpii_validation(root / "gt_valid.mat"),
        "gt_valid.mat",
    ),
    "coco": Reader(write_coco, lambda root: load_coco(root, "val"), "annotations/person_keypoints_val2017.json"),
    "h36m index": Reader(write_index, h36m, "annotation_body3d/fps50/h36m_test.npz"),
    "h36m cameras": Reader(write_index, h36m, "annotation_body3d/cameras.pkl"),
    "h36m data": Reader(
        lambda root, change=nothing: (write_triple(root, 9, change, 3), write_triple(root, 11, frames=3)),
        h36m,
        "annotations/Human36M_subject9_data.json",
    ),
    "h36m camera": Reader(
        lambda root: (write_triple(root, 9, frames=3), write_triple(root, 11, frames=3)),
        h36m,
        "annotations/Human36M_subject9_camera.json",
    ),
    "h36m joint_3d": Reader(
        lambda root: (write_triple(root, 9, frames=3), write_triple(root, 11, frames=3)),
        h36m,
        "annotations/Human36M_subject9_joint_3d.json",
    ),
    "h36m legacy": Reader(write_legacy, h36m, "annotSampleTest.h5"),
    "3dhp test": Reader(
        lambda root, change=nothing: write_test(root, lambda ts, arrays: change(arrays) if ts == "TS2" else None),
        lambda root: load_mpi_inf_3dhp(root, "test"),
        "mpi_inf_3dhp_test_set/TS2/annot_data.mat",
    ),
    "3dhp train": Reader(write_train, lambda root: load_mpi_inf_3dhp(root, "train", stride=1), "S1/Seq1/annot.mat"),
    "3dhp calibration": Reader(
        write_train, lambda root: load_mpi_inf_3dhp(root, "train", stride=1), "S1/Seq1/camera.calibration"
    ),
    "rendered shard": Reader(
        lambda root: write_set(root, [(shard(3, 0), 3), (shard(2, 3), 2)]), StudioSet, "shard-00001.npz"
    ),
    "rendered manifest": Reader(lambda root: write_set(root, [(shard(2, 0), 2)]), StudioSet, "manifest.json"),
    "packed photos": Reader(write_packed, PackedPhotos, "photos.packed/index.npz"),
}


def refusal(name: str, root: Path) -> InputError:
    with pytest.raises(InputError) as refused:
        READERS[name].load(root)
    error = refused.value
    assert "\n" not in str(error) and all((error.expected, error.got, error.fix))
    return error


WHOLE_FILES = {
    "missing file": lambda content: None,
    "empty file": lambda content: b"",
    "truncated to half": lambda content: content[: len(content) // 2],
    "truncated to a few bytes": lambda content: content[:20],
    "an error page in its place": lambda content: b"<!DOCTYPE html><html><body>404</body></html>",
    "zeros, as from a broken disk": lambda content: bytes(len(content)),
    "an archive in its place": lambda content: b"PK\x03\x04" + bytes(200),
}
