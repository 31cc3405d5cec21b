"""A small folder of every kind of data set, sound, for the tests of the doctor."""

import shutil
from pathlib import Path

import cv2
import numpy as np
from made_3dhp import write_test, write_train
from made_archives import write_metadata, write_subject
from made_human36m import write_index, write_legacy, write_triple
from made_mpii import write_bearpaw, write_validation
from scipy.io import savemat
from test_coco import write_coco
from test_studio_reader import shard, write_set

from wildpose.data.human36m import load_human36m
from wildpose.data.human36m_json import load_json
from wildpose.data.mpi_inf_3dhp import load_mpi_inf_3dhp
from wildpose.data.packed import pack

JPEG = cv2.imencode(".jpg", np.full((8, 8, 3), 99, np.uint8))[1].tobytes()


def put(root: Path, names) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(JPEG)


def lspet(root: Path) -> None:
    joints = np.ones((14, 3, 3))
    joints[:, :2] = np.arange(28).reshape(14, 2, 1) + 5
    savemat(root / "joints.mat", {"joints": joints})
    put(root, [f"images/im{i:05d}.jpg" for i in (1, 2, 3)])


def lsp(root: Path) -> None:
    joints = np.ones((3, 14, 2000)) * np.arange(14)[:, None]
    savemat(root / "joints.mat", {"joints": joints})
    put(root, [f"images/im{i:04d}.jpg" for i in range(1, 2001)])


def mpii(root: Path) -> None:
    write_bearpaw(root)
    write_validation(root / "gt_valid.mat")
    put(root, [f"images/{i:09d}.jpg" for i in range(3)])


def coco(root: Path) -> None:
    write_coco(root)
    put(root, ["val2017/000000000139.jpg"])


def index(root: Path) -> None:
    write_index(root)
    people = load_human36m(root, "test")
    put(root, [people.path(i).relative_to(root) for i in range(len(people))])


def triple(root: Path) -> None:
    write_triple(root, 9)
    write_triple(root, 11)
    put(root, load_json(root, "test").images.tolist())


def legacy(root: Path) -> None:
    write_legacy(root)
    put(root, load_human36m(root, "test").images.tolist())


def archives(root: Path) -> None:
    write_metadata(root / "metadata.xml")
    write_subject(root, "S11")


def three_d_test(root: Path) -> None:
    write_test(root)
    put(root, load_mpi_inf_3dhp(root, "test").images.tolist())


def three_d_train(root: Path) -> None:
    write_train(root)
    put(root, load_mpi_inf_3dhp(root, "train", stride=3).images.tolist())


def rendered(root: Path) -> None:
    write_set(root, [(shard(3, 0), 3), (shard(2, 3), 2)])


def packed(root: Path) -> None:
    lspet(root)
    pack(root)
    shutil.rmtree(root / "images")


MADE = {
    "rendered set: studio train": rendered,
    "LSP": lsp,
    "LSPET": lspet,
    "MPII": mpii,
    "COCO keypoints 2017": coco,
    "Human3.6M, index of .npz files": index,
    "Human3.6M, JSON by subject": triple,
    "Human3.6M of Zhou et al., ICCV 2017": legacy,
    "Human3.6M, official archives": archives,
    "MPI-INF-3DHP, test set": three_d_test,
    "MPI-INF-3DHP, training set": three_d_train,
    "packed photos": packed,
}
