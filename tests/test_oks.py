"""OKS-AP by hand: one keypoint of one person, off by a known similarity."""

import numpy as np
import pytest

pytest.importorskip("pycocotools")

from wildpose.errors import InputError
from wildpose.evaluate.coco import BODY, detections, oks_ap
from wildpose.skeleton import COCO17, MPII16

AREA = 120.0 * 120.0
HIP_FALLOFF = 2 * 0.107
"""Twice COCO's sigma for hips."""


def truth(labelled=("left_hip",), people=1):
    """People at different places of one image, each with those keypoints at (60, 60) of their box."""
    points = np.zeros((people, 17, 3))
    for p in range(people):
        for joint in labelled:
            points[p, COCO17.index(joint)] = 200 * p + 60, 60, 2
    people_ = [
        {"id": p + 1, "image_id": 7, "category_id": 1, "iscrowd": 0, "area": AREA, "bbox": [200 * p, 0, 120, 120],
         "num_keypoints": len(labelled), "keypoints": points[p].ravel().tolist()} for p in range(people)
    ]  # fmt: skip
    return {"images": [{"id": 7}], "annotations": people_, "categories": [{"id": 1, "name": "person"}], "info": {}}


def result(dx, score=0.9, person=0):
    joints = np.zeros((1, 16, 2))
    joints[0, MPII16.index("left_hip")] = 200 * person + 60 + dx, 60
    return detections([7], joints, np.array([score]))[0]


def off_by(similarity):
    """exp(-d^2 / (2 area k^2)) solved for d."""
    return float(np.sqrt(-2 * AREA * HIP_FALLOFF**2 * np.log(similarity)))


def test_ap_counts_the_thresholds_below_the_similarity():
    """0.77 passes 0.50, 0.55, ..., 0.75: 6 of 10."""
    ap = oks_ap(truth(), [result(off_by(0.77))])
    assert ap["AP"] == pytest.approx(60) and ap["AP50"] == ap["AP75"] == pytest.approx(100)
    assert ap["AR"] == pytest.approx(60) and np.isnan(ap["AP_medium"]) and ap["AP_large"] == pytest.approx(60)
    assert oks_ap(truth(), [result(off_by(0.49))])["AP"] == 0 and oks_ap(truth(), [])["AP"] == 0


def test_a_missed_person_halves_the_recall():
    ap = oks_ap(truth(people=2), [result(0.0)])
    assert ap["AR"] == pytest.approx(50)
    assert oks_ap(truth(people=2), [result(0.0), result(0.0, person=1)])["AP"] == pytest.approx(100)


def test_only_keypoints_that_count_are_compared():
    """The nose is labelled and MPII has none: all 17 punish that, the 12 don't."""
    both = truth(("left_hip", "nose"))
    assert oks_ap(both, [result(0.0)], count=BODY)["AP"] == pytest.approx(100)
    assert oks_ap(both, [result(0.0)])["AP"] < 60
    assert BODY.sum() == 12 and not BODY[:5].any()


def test_results_of_other_images_are_refused():
    with pytest.raises(InputError, match="image 8"):
        oks_ap(truth(), [result(0.0) | {"image_id": 8}])


def test_a_found_persons_size_is_the_bodys():
    """pycocotools takes it from the extent of all keypoints: one at (0, 0), for want of a nose, would make it large."""
    small = 20 * (np.arange(32).reshape(1, 16, 2) % 5) / 4  # 20 px wide
    placed = small + [500.0, 400.0]
    points = np.reshape(detections([7], placed, np.ones(1))[0]["keypoints"], (17, 3))
    assert np.ptp(points[:, 0]) <= 20 and np.ptp(points[:, 1]) <= 20
    assert (points[:, 2] > 0).tolist() == BODY.tolist()
