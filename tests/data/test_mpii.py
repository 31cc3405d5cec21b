"""MPII from its three layouts, on files with the real schema and on all real annotations."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_mpii import NOTHING, struct, write_bearpaw, write_hrnet, write_release, write_validation

from wildpose.data.mpii import load_mpii, read_mpii_validation
from wildpose.data.mpii_mat import validation_people
from wildpose.errors import InputError
from wildpose.skeleton import MPII16

VALIDATION = tuple(validation_people()[0].tolist())


@pytest.fixture(params=["bearpaw", "hrnet", "mat"])
def root(request, tmp_path: Path) -> Path:
    if request.param == "mat":
        write_release(tmp_path, VALIDATION)
    else:
        {"bearpaw": write_bearpaw, "hrnet": write_hrnet}[request.param](tmp_path)
    return tmp_path


def test_joints_become_0_based_and_missing_ones_masked(root: Path):
    people = load_mpii(root, "train")
    for k in range(16):
        if k == 6:
            assert not people.mask[0, k] and np.isnan(people.joints_px[0, k]).all()
        else:
            assert people.joints_px[0, k].tolist() == [99.0 + k, 199.0 + 2 * k]
    assert people.mask.sum(1).tolist() == [15] * len(people)


def test_the_box_is_the_square_of_public_code(root: Path):
    """Middle (110, 220) 1-based, 15 x 2 further down, side 200 x 2."""
    assert load_mpii(root, "train").boxes_xywh[0].tolist() == [109.0 - 200, 249.0 - 200, 400.0, 400.0]


def test_train_and_validation_are_apart(root: Path):
    train, val = load_mpii(root, "train"), load_mpii(root, "val")
    assert len(val) == 1 and len(load_mpii(root, "train+val")) == len(train) + 1
    assert val.validation.all() and not train.validation.any()
    assert not set(train.images) & set(val.images)


def test_images_are_read_when_asked_for(root: Path):
    people = load_mpii(root, "train")
    with pytest.raises(InputError, match=r"\.jpg.*no such file"):
        people.load(0)
    with pytest.raises(InputError, match=r"1 missing|2 missing"):
        people.require_images()
    people.path(0).parent.mkdir()
    cv2.imwrite(str(people.path(0)), np.full((40, 30, 3), (0, 0, 200), np.uint8))
    sample = people.load(0)
    assert sample.image_rgb.shape == (40, 30, 3) and sample.image_rgb[..., 0].mean() > 190
    assert sample.image_path == people.path(0) and sample.joints_cam_mm is None and sample.camera is None


def test_jsonlab_varies_the_other_people(tmp_path: Path):
    write_bearpaw(tmp_path)
    people = load_mpii(tmp_path, "train+val")
    assert people.number.tolist() == [[5, 1], [6, 1], [7, 1]]
    assert not people.visible[0, 4] and people.mask[0, 4]  # occluded, yet labelled


def test_the_release_gives_head_boxes_and_leaves_out_who_can_not_be_used(tmp_path: Path):
    write_release(tmp_path, VALIDATION)
    people = load_mpii(tmp_path, "train+val")
    assert people.number.tolist() == [[1, 1], list(VALIDATION)]  # not the bare one, nor the unlisted one
    assert people.head_boxes_px[0].tolist() == [[89.0, 59.0], [119.0, 99.0]]
    np.testing.assert_allclose(people.head_size_px, 0.6 * 50.0)
    assert people.visible[0].tolist() == [k not in (4, 6) for k in range(16)]  # '1', '0', nothing at all
    assert people.visible[1].tolist() == [k != 6 for k in range(16)]  # without the field


def test_the_validation_truth(tmp_path: Path):
    write_validation(tmp_path / "gt_valid.mat")
    truth = read_mpii_validation(tmp_path / "gt_valid.mat")
    assert truth.joints_px[0, 1].tolist() == [110.0, 201.0] and truth.mask[0].sum() == 15
    np.testing.assert_allclose(truth.head_size_px, [30.0])
    assert truth.detections_px is None


def set_first(key, value):
    return lambda entries: entries[0].__setitem__(key, value)


def nan_joint(entries):
    entries[1]["joint_self"][3][0] = float("nan")


def without_scale(entries):
    del entries[2]["scale_provided"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_scale, r"key 'scale_provided' in .*mpii_annotations\.json, person 2, got only annolist_index"),
        (set_first("joint_self", [[1.0, 2.0, 1.0]] * 15), r"joint_self of 16 x 3 in .*person 0, got shape \(15, 3\)"),
        (set_first("joint_self", {}), r"joint_self of 16 x 3 numbers in .*person 0, got {}"),
        (nan_joint, r"finite joint_self in .*person 1, got nan at \[3, 0\]"),
        (set_first("objpos", [1.0]), r"objpos of 2 in .*person 0, got shape \(1,\)"),
        (set_first("scale_provided", -1.0), r"positive scale in .*person 0.*-1\.0"),
        (
            set_first("img_paths", "../../etc/passwd"),
            r"image path inside the data root in .*got '\.\./\.\./etc/passwd'",
        ),
        (set_first("img_paths", "/etc/passwd"), "inside the data root"),
        (set_first("img_paths", 7.0), r"inside the data root.*got 7\.0"),
        (lambda entries: entries.clear(), "a list of people"),
    ],
)
def test_damaged_bearpaw_files_are_refused(tmp_path: Path, damage, message: str):
    write_bearpaw(tmp_path, damage)
    with pytest.raises(InputError, match=message):
        load_mpii(tmp_path, "train")


def test_a_truncated_file_is_refused(tmp_path: Path):
    path = write_bearpaw(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"JSON in .*mpii_annotations\.json, got JSONDecodeError"):
        load_mpii(tmp_path, "train")


def upright_people(swapped: bool):
    """Forty people upright, facing the camera: their left is on the picture's right."""

    def change(entries):
        joints = np.zeros((16, 3)) + (100.0, 100.0, 1.0)
        for name, x, y in (("shoulder", 30.0, 50.0), ("hip", 15.0, 120.0)):
            for side, sign in (("left", 1), ("right", -1)):
                joints[MPII16.index(f"{side}_{name}"), :2] = 100 + x * sign * (-1 if swapped else 1), y
        entries[:] = [entries[0] | {"joint_self": joints.tolist()} for _ in range(40)]

    return change


def test_swapped_sides_are_refused(tmp_path: Path):
    write_bearpaw(tmp_path, upright_people(swapped=False))
    assert len(load_mpii(tmp_path, "train")) == 40
    write_bearpaw(tmp_path, upright_people(swapped=True))
    with pytest.raises(InputError, match=r"0 % of 40: left and right are swapped"):
        load_mpii(tmp_path, "train")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda e: e[0].pop("joints"), r"key 'joints' in .*train\.json, person 0"),
        (lambda e: e[0].update(joints=[[1.0, 2.0]]), r"joints of 16 x 2 in .*got shape \(1, 2\)"),
        (lambda e: e[0].update(center=[float("inf"), 2.0]), "finite center"),
        (lambda e: e[0].update(image="a/../../b.jpg"), "inside the data root"),
    ],
)
def test_damaged_hrnet_files_are_refused(tmp_path: Path, damage, message: str):
    write_hrnet(tmp_path, damage)
    with pytest.raises(InputError, match=message):
        load_mpii(tmp_path, "train")


def change_rect(**change):
    """The first person of image 1 with other fields; None drops one."""

    def damage(images):
        rect = images[0]["annorect"]
        record = {name: rect[0, 0][name] for name in rect.dtype.names} | change
        images[0]["annorect"] = struct([{name: value for name, value in record.items() if value is not None}])

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_rect(scale=None), r"key 'scale' in .*annolist\(1\)\.annorect\(1\), got only x1"),
        (change_rect(scale=np.nan), r"finite scale in .*annorect\(1\)"),
        (change_rect(x1=NOTHING), r"x1 of 1 in .*got shape \(0,\)"),
        (change_rect(objpos=np.array([[1.0, 2.0]])), r"a struct 'objpos' in .*got float64 values"),
        (change_rect(annopoints=struct([{"point": struct([{"x": 1.0, "y": 2.0, "id": 16.0}])}])), "id 0 to 15 in"),
        (lambda images: images[0].update(image=struct([{"name": "../x.jpg"}])), "inside the data root"),
    ],
)
def test_a_damaged_release_is_refused(tmp_path: Path, damage, message: str):
    write_release(tmp_path, VALIDATION, damage)
    with pytest.raises(InputError, match=message):
        load_mpii(tmp_path, "train")


def test_a_truncated_release_is_refused(tmp_path: Path):
    path = write_release(tmp_path, VALIDATION)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"a MATLAB file at .*u12_1\.mat"):
        load_mpii(tmp_path, "train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jnt_missing": None}, "key 'jnt_missing' in"),
        ({"pos_gt_src": np.zeros((16, 2, 5))}, r"pos_gt_src of 16 x 2 x 1 in .*got shape \(16, 2, 5\)"),
        ({"dataset_joints": np.array(["lank", "rank"], dtype=object)[None]}, "dataset_joints rank rkne"),
    ],
)
def test_damaged_validation_truth_is_refused(tmp_path: Path, change, message: str):
    write_validation(tmp_path / "gt_valid.mat", **change)
    with pytest.raises(InputError, match=message):
        read_mpii_validation(tmp_path / "gt_valid.mat")


def test_a_folder_without_mpii_says_what_it_looked_for(tmp_path: Path):
    with pytest.raises(InputError, match=r"mpii_annotations\.json.*got none of them; fetch them: http"):
        load_mpii(tmp_path, "train")


@pytest.mark.data
def test_all_real_annotations_parse(shared_data: Path):
    """Counts of prior work, measured on this file: 22,246 + 2,958 people, 27,001 missing joints."""
    people = load_mpii(shared_data / "mpii", "train+val")
    val = people.take(np.flatnonzero(people.validation))
    assert (len(people), len(val), int((~people.mask).sum())) == (25_204, 2_958, 27_001)
    np.testing.assert_array_equal(val.number, validation_people())
    truth = read_mpii_validation(shared_data / "mpii" / "detections_our_format.mat")
    np.testing.assert_array_equal(val.mask, truth.mask)
    differ = np.abs(val.joints_px - truth.joints_px).max(-1) > 0.01
    assert differ.sum() == 13 and differ.any(1).sum() == 10  # x = 0 in the .mat
    np.testing.assert_array_equal(val.head_boxes_px, truth.head_boxes_px)
    assert np.isnan(people.head_size_px).sum() == 22_246
