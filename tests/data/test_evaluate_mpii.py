"""PCKh from files to the table, on one validation person whose score is known."""

import cv2
import numpy as np
import pytest
from made_human36m import write_photo
from made_mpii import write_bearpaw, write_release, write_validation
from made_up_people import IMAGE, Informed

from wildpose.data.mpii import load_mpii
from wildpose.data.mpii_mat import validation_people
from wildpose.errors import InputError
from wildpose.evaluate import evaluate_mpii
from wildpose.skeleton import MPII16


@pytest.fixture
def mpii(tmp_path):
    write_bearpaw(tmp_path)
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / f"{1:09d}.jpg"), IMAGE)
    return tmp_path


def test_pckh_counts_against_the_validation_files_truth(mpii):
    """Head box 30 x 40: half of 0.6 x 50 is 15 px. Moved 14 px all are found, 16 px none; the pelvis, which has no
    label, and the thorax, which has one, aren't counted."""
    write_validation(mpii / "gt_valid.mat")
    people = load_mpii(mpii, "val")
    near = evaluate_mpii(Informed(people, off_px=(14.0, 0.0)), mpii)
    far = evaluate_mpii(Informed(people, off_px=(0.0, 16.0)), mpii)
    assert near.metrics == {"pckh_0.5": 100.0} and far.metrics == {"pckh_0.5": 0.0}
    assert near.tables[0].title == "MPII val: PCKh@0.5, percent, 1 people" and near.protocol["count"] == 1


def test_one_joint_moved_in_the_truth_is_one_of_fourteen(mpii):
    from made_mpii import joints_1based

    joints = np.array(joints_1based(1))[:, :2, None]
    joints[MPII16.index("left_ankle"), 0] += 40
    write_validation(mpii / "gt_valid.mat", pos_gt_src=joints)
    report = evaluate_mpii(Informed(load_mpii(mpii, "val")), mpii)
    row = dict(zip(report.tables[0].columns, report.tables[0].rows["PCKh@0.5"], strict=True))
    assert row["Ankle"] == 50.0 and row["Mean"] == pytest.approx(100 * 13 / 14) and row["Knee"] == 100.0


def test_head_boxes_are_found_where_hrnet_has_them_and_in_the_release(mpii, tmp_path_factory):
    (mpii / "annot").mkdir()
    write_validation(mpii / "annot" / "gt_valid.mat")
    report = evaluate_mpii(Informed(load_mpii(mpii, "val"), off_px=(14.0, 0.0)), mpii)
    assert report.metrics == {"pckh_0.5": 100.0} and report.protocol["truth"] == "gt_valid.mat"
    root = tmp_path_factory.mktemp("release")
    image, person = validation_people()[0].tolist()
    write_release(root, (image, person))
    people = load_mpii(root, "val")
    write_photo(people.path(0), 200)
    near = evaluate_mpii(Informed(people, off_px=(14.0, 0.0)), root)
    assert near.metrics == {"pckh_0.5": 100.0} and near.protocol["truth"] == "the official release"
    assert evaluate_mpii(Informed(people, off_px=(16.0, 0.0)), root).metrics == {"pckh_0.5": 0.0}


def test_missing_head_boxes_and_images_are_said(mpii):
    with pytest.raises(InputError, match=r"detections_our_format\.mat or gt_valid\.mat"):
        evaluate_mpii(Informed(None), mpii)
    write_validation(mpii / "gt_valid.mat")
    (mpii / "images" / f"{1:09d}.jpg").unlink()
    with pytest.raises(InputError, match="1 missing"):
        evaluate_mpii(Informed(None), mpii)
