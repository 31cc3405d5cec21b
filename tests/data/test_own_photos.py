"""Labels as people's tools write them: joints by name, what may be missing, and refusals."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from wildpose.data.own_photos import load_own
from wildpose.errors import InputError
from wildpose.skeleton import COCO17, MPII16


def keypoints(names, unlabelled=("nose",)) -> list[float]:
    """Joint number k of the file at (50 + k, 80 + 3 k)."""
    rows = [[0, 0, 0] if name in unlabelled else [50 + k, 80 + 3 * k, 2] for k, name in enumerate(names)]
    return [value for row in rows for value in row]


def write_own(root: Path, change=lambda data: None, names=COCO17.joints) -> tuple[Path, Path]:
    photos = root / "photos"
    (photos / "day 1").mkdir(parents=True, exist_ok=True)
    for name in ("a.jpg", "day 1/b.png"):
        cv2.imwrite(str(photos / name), np.full((200, 160, 3), 90, np.uint8))
    data = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 160, "height": 200},
            {"id": 2, "file_name": "day 1/b.png"},
        ],
        "annotations": [
            {"id": 7, "image_id": 1, "category_id": 3, "keypoints": keypoints(names), "bbox": [40, 70, 60, 90]},
            {"id": 8, "image_id": 2, "category_id": 3, "keypoints": keypoints(names)},
        ],
        "categories": [{"id": 2, "name": "dog"}, {"id": 3, "name": "person", "keypoints": list(names)}],
    }
    change(data)
    labels = root / "labels.json"
    labels.write_text(json.dumps(data))
    return photos, labels


def test_joints_by_name_and_what_may_be_missing(tmp_path: Path):
    own = load_own(*write_own(tmp_path))
    people = own.people
    assert people.images.tolist() == ["a.jpg", "day 1/b.png"] and own.sizes_wh == {"a.jpg": (160, 200)}
    for name in ("left_wrist", "right_ankle", "left_hip"):
        at = COCO17.index(name)
        assert people.joints_px[0, MPII16.index(name)].tolist() == [50 + at, 80 + 3 * at]
    assert people.mask[0].sum() == 12 and not people.mask[0, MPII16.index("head_top")]
    assert people.boxes_xywh[0].tolist() == [40, 70, 60, 90]
    assert people.boxes_xywh[1].tolist() == [55, 95, 11, 33], "around the labelled joints that count"


def test_other_joints_in_another_order(tmp_path: Path):
    names = ("head_top", "left_wrist", "neck", "pelvis", "right_toe", "left_ankle", "right_hip", "left_shoulder")
    people = load_own(*write_own(tmp_path, names=names)).people
    assert people.joints_px[0, MPII16.index("head_top")].tolist() == [50, 80]
    assert people.joints_px[0, MPII16.index("upper_neck")].tolist() == [52, 86]
    assert people.mask[0].sum() == 7


def few_joints(data):
    data["annotations"][0]["keypoints"][3 * 8 :] = [0] * 27  # shoulders and left elbow are left


def test_who_is_left_out(tmp_path: Path):
    own = load_own(*write_own(tmp_path, few_joints))
    assert own.people.images.tolist() == ["day 1/b.png"] and own.left_out == 1

    def crowd_and_dog(data):
        data["annotations"] += [
            {"image_id": 1, "category_id": 2},
            {"image_id": 1, "category_id": 3, "iscrowd": 1, "keypoints": []},
        ]

    own = load_own(*write_own(tmp_path, crowd_and_dog))
    assert len(own.people) == 2 and own.left_out == 0


def normalised(data):
    for annotation in data["annotations"]:
        annotation["keypoints"] = [value if k % 3 == 2 else value / 200 for k, value in enumerate(keypoints(range(17)))]
        annotation.pop("bbox", None)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.pop("annotations"), "key 'annotations' in .*mend the labels"),
        (lambda d: d["annotations"][1].pop("image_id"), "key 'image_id' in .*annotation 1"),
        (lambda d: d["annotations"][0].update(keypoints=[1, 2, 3]), "keypoints of 51 in .*annotation 0"),
        (lambda d: d["annotations"][0].update(image_id=5), "an image for .*annotation 0, got none with id 5"),
        (lambda d: d["images"][0].update(file_name="../x.jpg"), "image path inside the data root"),
        (lambda d: d["images"][0].update(file_name="c.jpg"), r"2 labelled photos .* got 1 missing \(c.jpg\)"),
        (lambda d: d["categories"].pop(), "a category with keypoints in .*got none"),
        (lambda d: d["categories"][1].update(keypoints=["A", "B"]), "joints named as COCO's .*got A, B"),
        (lambda d: d.update(annotations=[]), r"people with 4 or more labelled joints.*none \(0 annotated\)"),
        (normalised, "none .2 annotated.*coordinates are pixels"),
        (lambda d: d.update(images=[3]), "an object with 'file_name'"),
        (lambda d: d.update(annotations=[None]), "an object with 'category_id'"),
        (lambda d: d["annotations"][0].update(category_id=[3]), "category_id"),
        (lambda d: d["images"][1].update(id=1), "an id for each image in .*got 1 for a.jpg and day 1/b.png"),
        (lambda d: d["categories"].append({"id": 3, "keypoints": [*COCO17.joints[::-1]]}), "an id for each category"),
        (lambda d: d["images"][0].update(file_name="a" * 300), "got 1 missing"),
    ],
)
def test_refusals(tmp_path: Path, damage, message: str):
    with pytest.raises(InputError, match=message) as refused:
        load_own(*write_own(tmp_path, damage))
    assert "fetch" not in str(refused.value), "advice for somebody else's data set"


def test_missing_and_cut_files(tmp_path: Path):
    photos, labels = write_own(tmp_path)
    with pytest.raises(InputError, match="a folder of photos"):
        load_own(tmp_path / "none", labels)
    with pytest.raises(InputError, match="no such file; check --labels"):
        load_own(photos, tmp_path / "none.json")
    labels.write_text(labels.read_text()[:300])
    with pytest.raises(InputError, match="JSON in"):
        load_own(photos, labels)
