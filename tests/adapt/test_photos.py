"""What is held out, and that a person cut out is the person in the photo."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_detector import write_fake_detector
from fake_weights import draw_person, write_fake_weights

from wildpose.adapt.photos import (
    CutOuts,
    box_people,
    cut_out,
    cut_out_labelled,
    cut_out_unlabelled,
    digests,
    list_photos,
    split,
    without,
)
from wildpose.codec import HeatmapCodec
from wildpose.data.batches import CROP_SCALE, make_example
from wildpose.data.people import People
from wildpose.data.sample import Sample
from wildpose.errors import InputError
from wildpose.geometry import Crop, square_crop
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.estimator import PoseEstimator
from wildpose.skeleton import MPII16

RNG = np.random.default_rng(0)


def make_people(folder: Path, photos: int, people_each: int = 2) -> People:
    """Noise photos with people of random joints."""
    folder.mkdir()
    names = []
    for i in range(photos):
        cv2.imwrite(str(folder / f"{i:02d}.png"), np.random.default_rng(i).integers(0, 255, (64, 64, 3), np.uint8))
        names += [f"{i:02d}.png"] * people_each
    joints = RNG.uniform(8, 56, (len(names), 16, 2)).astype(np.float32)
    boxes = np.tile(np.array([8, 8, 48, 48], np.float32), (len(names), 1))
    return People(folder, np.array(names), joints, np.ones((len(names), 16), bool), boxes)


def test_the_split_is_by_photo_disjoint_and_the_same_for_the_same_photos(tmp_path: Path):
    people = make_people(tmp_path / "a", 20)
    train, held_out = split(people, digests(people))
    assert sorted([*train.tolist(), *held_out.tolist()]) == list(range(40))
    assert len(held_out) == 8, "both people of a fifth of the photos"
    assert not set(people.images[train].tolist()) & set(people.images[held_out].tolist())
    again = split(people, digests(people))
    assert again[0].tolist() == train.tolist() and again[1].tolist() == held_out.tolist()

    order = RNG.permutation(40)  # another order and other names: the same photos are held out
    renamed = people.take(order)
    for path in list(people.root.iterdir()):
        os.rename(path, path.with_stem(f"x{path.stem}"))
    renamed = replace(renamed, images=np.array([f"x{name}" for name in renamed.images.tolist()]))
    chosen = split(renamed, digests(renamed))[1]
    assert set(order[chosen].tolist()) == set(held_out.tolist())


def test_copies_of_a_photo_are_on_one_side_and_never_come_in_as_unlabelled(tmp_path: Path):
    people = make_people(tmp_path / "a", 20, people_each=1)
    content = digests(people)
    held_out = people.images[split(people, content)[1][0]]
    copy = people.root / "copy.png"
    copy.write_bytes((people.root / str(held_out)).read_bytes())
    more = replace(people.take(np.arange(20)), images=np.array([*people.images[:-1].tolist(), "copy.png"]))
    content = digests(more)
    assert content["copy.png"] == content[str(held_out)]
    sides = [{str(more.images[i]) for i in rows} for rows in split(more, content)]
    assert not any({"copy.png", str(held_out)} & side for side in sides) or any(
        {"copy.png", str(held_out)} <= side for side in sides
    )
    new = tmp_path / "new.png"
    cv2.imwrite(str(new), np.zeros((32, 32, 3), np.uint8))
    assert without([copy, new], set(content.values())) == [new]


def test_too_little_to_hold_out(tmp_path: Path):
    people = make_people(tmp_path / "a", 9)
    with pytest.raises(InputError, match="10 or more different labelled photos, got 9"):
        split(people, digests(people))
    people = make_people(tmp_path / "b", 10)
    unknown = people.mask.copy()
    unknown[:, MPII16.index("left_shoulder")] = False
    joints = np.where(unknown[..., None], people.joints_px, np.nan)
    with pytest.raises(InputError, match="left shoulder and right hip of someone in the 2 held-out photos"):
        split(replace(people, joints_px=joints, mask=unknown), digests(people))


def smooth_photo(height: int, width: int) -> np.ndarray:
    """Without detail that JPEG or another resampling would change."""
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / width * 9 + k) * np.cos(y / height * 7 - k) for k in range(3)]
    return (127 + 100 * np.stack(planes, -1)).astype(np.uint8)


@pytest.mark.parametrize("side", [900.0, 60.0])
def test_a_cut_out_trains_as_the_photo_would(side: float):
    """Crop, targets and all, for a large person (made coarser) and a small one (kept as it is)."""
    image = smooth_photo(1200, 1600)
    box = np.array([500.0, 200.0, side * 0.6, side], np.float32)
    joints = (box[:2] + RNG.uniform(0, 1, (16, 2)) * box[2:]).astype(np.float32)
    mask = np.ones(16, bool)
    mask[3] = False
    joints[3] = np.nan
    small = CutOuts((cut_out(ImagePyramid(image), joints, mask, box, 128),)).load(0)
    assert small.image_rgb.shape[0] <= 640
    zoom = small.box_xywh[3] / box[3]
    codec = HeatmapCodec(128, 32, 1.0)
    for scale, angle, shift in ((1.0, 0.0, 0.0), (1.2, 0.5, 0.1), (0.8, -0.4, -0.1)):
        plain = square_crop(box, CROP_SCALE)
        x, y = (np.array(plain.center_xy) + shift * plain.side_px).tolist()
        crop = Crop((x, y), plain.side_px * scale, angle)
        middle = np.array(square_crop(small.box_xywh, CROP_SCALE).center_xy) + shift * plain.side_px * zoom
        same = Crop((float(middle[0]), float(middle[1])), float(plain.side_px * zoom * scale), angle)
        a = make_example(Sample(image, joints, mask, box), crop, False, codec)
        b = make_example(small, same, False, codec)
        np.testing.assert_allclose(a["joints_crop_px"], b["joints_crop_px"], atol=0.02)
        np.testing.assert_array_equal(a["heatmap_mask"], b["heatmap_mask"])
        off = np.abs(a["crops_rgb"].astype(int) - b["crops_rgb"].astype(int))
        assert off.mean() < 2 and np.percentile(off, 99) < 12


def test_labels_of_another_photo_are_refused(tmp_path: Path):
    people = make_people(tmp_path / "a", 1)
    with pytest.raises(InputError, match=r"a photo of 640 x 480 px, as the labels say.*got 64 x 64 px"):
        cut_out_labelled(people, {"00.png": (640, 480)}, 32)
    with pytest.raises(InputError, match=r"labels inside the photo .*got 100 % outside of its 64 x 64 px"):
        cut_out_labelled(replace(people, joints_px=people.joints_px + 100), {}, 32)
    (people.root / "00.png").write_bytes(b"\x89PNG\r\n\x1a\n rest lost")
    with pytest.raises(InputError, match=r"00\.png"):
        cut_out_labelled(people, {}, 32)


def test_nobody_in_the_unlabelled_photos(tmp_path: Path):
    weights, detector = write_fake_weights(tmp_path / "dots.onnx"), write_fake_detector(tmp_path / "people.onnx")
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), np.zeros((32, 32, 3), np.uint8))
    estimator = PoseEstimator(weights, detector=detector, flip=False)
    with pytest.raises(InputError, match="people in the unlabelled photos, got none in 1"):
        cut_out_unlabelled([path], estimator, 32)
    with pytest.raises(InputError, match="people in the held-out photos, got none in 1"):
        box_people(tmp_path, [path], estimator)


def test_found_people_lie_in_their_boxes_and_have_no_labels(tmp_path: Path):
    """The same people as cut-outs and as rows: what the box shows is what the cut-out shows."""
    weights, detector = write_fake_weights(tmp_path / "dots.onnx"), write_fake_detector(tmp_path / "people.onnx")
    image = np.zeros((280, 420, 3), np.uint8)
    truth = draw_person(image, (150, 40, 130, 200))
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "one.png"), image[..., ::-1])
    estimator, paths = PoseEstimator(weights, detector=detector, flip=False), [tmp_path / "in" / "one.png"]
    people, cut_outs = box_people(tmp_path, paths, estimator), cut_out_unlabelled(paths, estimator, 128)
    assert people.images.tolist() == ["in/one.png"] and not people.mask.any() and np.isnan(people.joints_px).all()
    x, y, w, h = people.boxes_xywh[0]
    assert ((truth > [x - 0.1 * w, y - 0.1 * h]) & (truth < [x + 1.1 * w, y + 1.1 * h])).all()
    sample = cut_outs.load(0)
    assert len(cut_outs) == 1 and not sample.mask.any()
    np.testing.assert_allclose(sample.box_xywh[2:] / sample.box_xywh[3], [w / h, 1.0], rtol=0.01)


def test_what_a_run_keeps_beside_its_weights_is_not_among_the_photos(tmp_path: Path):
    for name in ("a.png", "b/c.PNG", "mine.adapt/before-after.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [str(path.relative_to(tmp_path)) for path in list_photos(tmp_path, "")] == ["a.png", "b/c.PNG"]
    assert len(list_photos(tmp_path / "mine.adapt", "")) == 1, "asked for, they are photos as any"
