"""COCO's person_keypoints: joints by name, who is left out, and refusals."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from wildpose.data.coco import load_coco
from wildpose.errors import InputError
from wildpose.skeleton import COCO17, MPII16


def keypoints(hidden: int | None = 6) -> list[float]:
    """Joint k at (50 + k, 80 + 3 k), the shoulders' left one to the right; one hidden, the eyes not labelled."""
    values = []
    for k, name in enumerate(COCO17.joints):
        flag = 0 if name.endswith("eye") else 1 if k == hidden else 2
        values += [50.0 + k, 80.0 + 3 * k, flag] if flag else [0, 0, 0]
    return values


def person(number: int, image: int, **change) -> dict:
    entry = {"id": number, "image_id": image, "category_id": 1, "iscrowd": 0, "num_keypoints": 15, "area": 900.5}
    return entry | {"keypoints": keypoints(), "bbox": [40.5, 70.25, 60.0, 90.0]} | change


def write_coco(root: Path, change=lambda data: None, split: str = "val") -> Path:
    few = keypoints()
    few[3 * 11 :] = [0] * 18  # no legs: of MPII16's joints six are left
    fewer = keypoints()
    fewer[3 * 9 :] = [0] * 24
    data = {
        "images": [{"id": 139, "file_name": "000000000139.jpg", "width": 640, "height": 426}],
        "annotations": [
            person(1, 139),
            person(2, 139, iscrowd=1, keypoints=[0] * 51),
            person(3, 139, keypoints=few),
            person(4, 139, keypoints=fewer),
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.joints), "skeleton": [[16, 14]]}],
    }
    change(data)
    path = root / "annotations" / f"person_keypoints_{split}2017.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def test_joints_by_name(tmp_path: Path):
    write_coco(tmp_path)
    people = load_coco(tmp_path, "val")
    assert people.annotation_id.tolist() == [1, 3]
    for name in MPII16.joints:
        k = MPII16.index(name)
        if name in COCO17.joints:
            at = COCO17.index(name)
            assert people.mask[0, k] and people.joints_px[0, k].tolist() == [50.0 + at, 80.0 + 3 * at]
        else:
            assert name in ("pelvis", "thorax", "upper_neck", "head_top")
            assert not people.mask[0, k] and np.isnan(people.joints_px[0, k]).all()
    assert people.boxes_xywh[0].tolist() == [40.5, 70.25, 60.0, 90.0]
    assert people.area_px2.tolist() == [900.5, 900.5] and people.image_id.tolist() == [139, 139]
    assert people.visible17[0].sum() == 14 and np.isfinite(people.joints17_px[0]).all(-1).sum() == 15


def test_the_pelvis_for_training_lies_between_the_hips(tmp_path: Path):
    write_coco(tmp_path)
    people = load_coco(tmp_path, "val").with_pelvis()
    pelvis, left = MPII16.index("pelvis"), COCO17.index("left_hip")
    assert people.joints_px[0, pelvis].tolist() == [50.5 + left, 81.5 + 3 * left] and people.mask[0, pelvis]
    assert not people.mask[1, pelvis]  # no legs, no pelvis


def test_images(tmp_path: Path):
    write_coco(tmp_path)
    (tmp_path / "val2017").mkdir()
    cv2.imwrite(str(tmp_path / "val2017" / "000000000139.jpg"), np.full((40, 50, 3), (0, 0, 210), np.uint8))
    sample = load_coco(tmp_path, "val").require_images().load(1)
    assert sample.image_rgb.shape == (40, 50, 3) and sample.image_rgb[0, 0, 0] > 200


def many(swapped: bool):
    """Forty people who face the camera, their left on the picture's right."""

    def change(data):
        values = np.zeros((17, 3)) + (100.0, 60.0, 2.0)
        for part, x, y in (("shoulder", 20, 80), ("hip", 12, 150)):
            for side, sign in (("left", 1), ("right", -1)):
                values[COCO17.index(f"{side}_{part}"), :2] = 100 + sign * x, y
        values = values[COCO17.mirror] if swapped else values
        data["annotations"] = [person(i, 139, keypoints=values.ravel().tolist()) for i in range(40)]

    return change


def test_swapped_sides_are_refused(tmp_path: Path):
    write_coco(tmp_path, many(swapped=False))
    assert len(load_coco(tmp_path, "val")) == 40
    write_coco(tmp_path, many(swapped=True))
    with pytest.raises(InputError, match="0 % of 40: left and right are swapped"):
        load_coco(tmp_path, "val")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.pop("annotations"), r"key 'annotations' in .*person_keypoints_val2017\.json"),
        (lambda d: d["annotations"][2].pop("bbox"), r"key 'bbox' in .*annotation 2"),
        (lambda d: d["annotations"][0].update(keypoints=[1, 2, 3]), r"keypoints of 51 in .*annotation 0, got shape"),
        (lambda d: d["annotations"][0].update(area=float("nan")), "finite area in .*annotation 0"),
        (lambda d: d["annotations"][0].update(bbox="wide"), "bbox of 4 numbers in .*annotation 0, got 'wide'"),
        (lambda d: d["annotations"][0].update(image_id=5), "an image for each person in .*none with id 5"),
        (lambda d: d["images"][0].update(file_name="../../../x.jpg"), "image path inside the data root"),
        (lambda d: d["categories"][0]["keypoints"].reverse(), "keypoints nose, left_eye.*got right_ankle"),
        (lambda d: d.update(annotations=[]), "people in .*got none"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(tmp_path: Path, damage, message: str):
    write_coco(tmp_path, damage)
    with pytest.raises(InputError, match=message):
        load_coco(tmp_path, "val")


def test_truncated_and_missing_files(tmp_path: Path):
    path = write_coco(tmp_path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="JSON in"):
        load_coco(tmp_path, "val")
    with pytest.raises(InputError, match=r"person_keypoints_train2017\.json, got no such file; fetch it: https"):
        load_coco(tmp_path, "train")
