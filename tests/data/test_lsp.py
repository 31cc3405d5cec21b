"""LSP and LSPET: 1-based labels, joint names, splits, and refusals. Files are written here with the authors' layout."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from wildpose.data.lsp import load_lsp, load_lspet
from wildpose.errors import InputError
from wildpose.skeleton import MPII16

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
ORDER = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
    *("upper_neck", "head_top"),
)


def joints14() -> np.ndarray:
    """(14, 2), 1-based: joint k at x = 10 + k, y = 20 + 2 k."""
    return np.stack([10.0 + np.arange(14), 20.0 + 2 * np.arange(14)], 1)


def write_images(root, names):
    (root / "images").mkdir()
    encoded = cv2.imencode(".jpg", np.full((60, 50, 3), 90, np.uint8))[1].tobytes()
    for name in names:
        (root / "images" / name).write_bytes(encoded)


@pytest.fixture
def lsp(tmp_path):
    joints = np.zeros((3, 14, 2000))
    joints[:2] = joints14().T[:, :, None]
    joints[2, 3] = 1  # occluded, yet labelled
    savemat(tmp_path / "joints.mat", {"joints": joints})
    write_images(tmp_path, [f"im{i:04d}.jpg" for i in range(1, 2001)])
    return tmp_path


@pytest.fixture
def lspet(tmp_path):
    joints = np.ones((14, 3, 3))
    joints[:, :2] = joints14()[:, :, None]
    joints[0, :, 0] = (-400.0, 9999.0, 0.0)  # not labelled: the coordinates mean nothing
    joints[1:, 2, 2] = 0.0  # a photo with one label
    savemat(tmp_path / "joints.mat", {"joints": joints})
    write_images(tmp_path, [f"im{i:05d}.jpg" for i in range(1, 4)])
    return tmp_path


def test_joints_go_by_name_and_become_0_based(lsp):
    photos = load_lsp(lsp, "test")
    sample = photos.load(0)
    for k, name in enumerate(ORDER):
        assert sample.joints_px[MPII16.index(name)].tolist() == [9.0 + k, 19.0 + 2 * k]
    for name in ("pelvis", "thorax"):
        assert not sample.mask[MPII16.index(name)]
        assert np.isnan(sample.joints_px[MPII16.index(name)]).all()
    assert sample.mask.sum() == 14
    assert sample.box_xywh.tolist() == [9.0, 19.0, 13.0, 26.0]
    assert sample.image_rgb.shape == (60, 50, 3)


def test_the_training_pelvis_lies_between_the_hips(lsp):
    photos = load_lsp(lsp, "train")
    sample, plain = photos.with_pelvis().load(0), photos.load(0)
    assert sample.joints_px[MPII16.index("pelvis")].tolist() == [11.5, 24.0]
    assert sample.mask.sum() == 15 and plain.mask.sum() == 14


def test_splits_are_disjoint_and_complete(lsp):
    names = {split: [p.name for p in load_lsp(lsp, split).paths] for split in ("train", "val", "train+val", "test")}
    assert len(names["train"]) == 800 and len(names["val"]) == 200
    assert sorted(names["train"] + names["val"]) == names["train+val"]
    assert names["test"][0] == "im1001.jpg" and names["test"][-1] == "im2000.jpg" and len(names["test"]) == 1000


def test_unlabelled_joints_of_lspet_are_missing_and_photos_without_a_box_left_out(lspet):
    photos = load_lspet(lspet)
    assert [p.name for p in photos.paths] == ["im00001.jpg", "im00002.jpg"]
    ankle = MPII16.index("right_ankle")
    assert not photos.mask[0, ankle] and np.isnan(photos.joints_px[0, ankle]).all()
    assert photos.mask[1, ankle]
    assert photos.boxes_xywh[0].tolist() == [10.0, 21.0, 12.0, 24.0]


def test_lsp_and_lspet_are_not_mistaken_for_each_other(lsp, tmp_path_factory):
    with pytest.raises(InputError, match="14 x 3 x N"):
        load_lspet(lsp)
    other = tmp_path_factory.mktemp("other")
    savemat(other / "joints.mat", {"joints": np.ones((14, 3, 2000))})
    with pytest.raises(InputError, match="3 x 14 x N"):
        load_lsp(other, "test")


def test_refusals_name_what_is_wrong(lsp):
    with pytest.raises(InputError, match="no such file"):
        load_lsp(lsp / "nowhere", "test")
    (lsp / "images" / "im1005.jpg").unlink()
    with pytest.raises(InputError, match=r"1 missing \(im1005.jpg\)"):
        load_lsp(lsp, "test")
    (lsp / "images" / "im1001.jpg").write_text("not a photo")
    photos = load_lsp(lsp, "train")
    photos.paths[0] = lsp / "images" / "im1001.jpg"
    with pytest.raises(InputError, match=r"im1001\.jpg"):
        photos.load(0)
    (lsp / "joints.mat").write_bytes((lsp / "joints.mat").read_bytes()[:100])
    with pytest.raises(InputError, match=r"joints\.mat"):
        load_lsp(lsp, "test")


@pytest.mark.data
@pytest.mark.skipif(not (REAL / "lsp").is_dir(), reason="../shared/data/lsp is not here")
def test_real_lsp_has_people_the_right_way_round():
    """Facing the camera, a person's left is on the picture's right: true of most upright people in LSP."""
    joints = load_lsp(REAL / "lsp", "train+val").joints_px
    at = {name: joints[:, MPII16.index(name)] for name in ("left_shoulder", "right_shoulder", "head_top", "left_hip")}
    upright = at["left_hip"][:, 1] - at["head_top"][:, 1] > 40
    left_on_the_right = at["left_shoulder"][upright, 0] > at["right_shoulder"][upright, 0]
    assert left_on_the_right.mean() > 0.6
