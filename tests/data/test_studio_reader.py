"""The reader of studio sets, on a hand-made set: values, order, and every kind of damage."""

import hashlib
import io
import json

import cv2
import numpy as np
import pytest

from wildpose.data.studio import FORMAT, StudioSet
from wildpose.errors import InputError
from wildpose.skeleton import MPII16


def shard(count: int, first: int, **change) -> bytes:
    pictures = [np.full((32, 32, 3), (0, 0, 40 + 10 * (first + i)), np.uint8) for i in range(count)]  # BGR: red
    coded = [cv2.imencode(".jpg", picture)[1].ravel() for picture in pictures]
    number = np.arange(first, first + count, dtype=np.float32)
    arrays = {
        "jpeg": np.concatenate(coded),
        "jpeg_offsets": np.concatenate([[0], np.cumsum([len(c) for c in coded])]).astype(np.int64),
        "joints_px": np.zeros((count, 16, 2), np.float32) + number[:, None, None],
        "joints_cam_mm": np.ones((count, 16, 3), np.float32),
        "in_image": np.ones((count, 16), bool),
        "occluded": np.zeros((count, 16), bool),
        "K": np.tile(np.eye(3), (count, 1, 1)),
        "R": np.tile(np.eye(3), (count, 1, 1)),
        "t_mm": np.zeros((count, 3)),
        "box_xywh": np.ones((count, 4), np.float32),
        "subject": np.array(["S1"] * count),
        "action": np.array(["Walking"] * count),
        "scene": np.array(["room0"] * count),
        "split": np.array(["train"] * count),
        "camera": np.zeros(count, np.int32),
        "frame": np.arange(count, dtype=np.int32),
    } | change
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in arrays.items() if value is not None})
    return buffer.getvalue()


def write_set(folder, shards, complete=True, **change):
    folder.mkdir(exist_ok=True)
    entries = []
    for i, (data, count) in enumerate(shards):
        (folder / f"shard-{i:05d}.npz").write_bytes(data)
        entries.append({"file": f"shard-{i:05d}.npz", "images": count, "sha256": hashlib.sha256(data).hexdigest()})
    manifest = {"format": FORMAT, "kind": "studio", "split": "train", "seed": 1, "images": 5, "size_px": 32,
                "joints": list(MPII16.joints), "complete": complete, "shards": entries} | change  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write_set(tmp_path / "set", [(shard(3, 0), 3), (shard(2, 3), 2)])


def test_samples_come_in_order_across_shards(folder):
    data = StudioSet(folder)
    assert len(data) == 5 == len(list(data))
    for i in (0, 2, 3, 4, -1):
        sample = data.load(i)
        assert sample.joints_px[0, 0] == i % 5
        red, green, blue = sample.image.reshape(-1, 3).mean(0)
        assert abs(red - (40 + 10 * (i % 5))) < 6 and green < 8 and blue < 8  # RGB
    assert data.subject.tolist() == ["S1"] * 5 and data.frame.tolist() == [0, 1, 2, 0, 1]
    with pytest.raises(IndexError):
        data.load(5)


def test_damage_is_found(folder):
    path = folder / "shard-00001.npz"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="sha256"):
        StudioSet(folder)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        StudioSet(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"joints_px": np.zeros((2, 14, 2), np.float32)},
        {"occluded": None},
        {"jpeg_offsets": np.zeros(3, np.int64)},
        {"jpeg": None},
    ],
)
def test_wrong_shapes_are_named(tmp_path, change):
    folder = write_set(tmp_path / "set", [(shard(2, 0, **change), 2)])
    with pytest.raises(InputError):
        StudioSet(folder)


def test_pickles_are_refused(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, subject=np.array([{"evil": 1}], dtype=object))
    with pytest.raises(InputError):
        StudioSet(write_set(tmp_path / "set", [(buffer.getvalue(), 1)]))


@pytest.mark.parametrize(
    "text",
    [None, "", "{}", "[1]", '{"format": "other/1", "shards": [], "images": 1}', '{"format": "wildpose-studio/1"}'],
)
def test_what_is_not_a_set(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError):
        StudioSet(tmp_path)


def test_partial_sets_need_to_be_asked_for(tmp_path):
    folder = write_set(tmp_path / "set", [(shard(3, 0), 3)], complete=False)
    with pytest.raises(InputError, match="3 of 5"):
        StudioSet(folder)
    assert len(StudioSet(folder, partial=True)) == 3
    with pytest.raises(InputError):
        StudioSet(write_set(tmp_path / "none", [], complete=False), partial=True)


def test_other_joints_are_refused(tmp_path):
    with pytest.raises(InputError, match="joints"):
        StudioSet(write_set(tmp_path / "set", [(shard(2, 0), 2)], joints=["nose"]))
