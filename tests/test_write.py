import json
import math

import numpy as np
import pytest

from wildpose.predict.follow import Tracked
from wildpose.types import Pose3D
from wildpose.write import FrameResult, FrameStore, Recording, to_json, whole_file, write_json

PROMISED_JOINTS = """right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck head_top
right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist"""


def make_pose() -> Pose3D:
    row = np.arange(16, dtype=np.float32)
    return Pose3D(
        joints_px=np.stack([row + 0.126, 100 - row], -1),
        joints_mm=np.stack([row * 10.04, -row, row * 0 - 0.001], -1),
        confidence=row / 16,
        box_xywh=np.array([1, 2.5, 30, 40], np.float32),
        score=0.45678,
    )


def test_the_document_is_the_promised_one(tmp_path):
    frames = [FrameResult(8, 0.26666, 640, 480, [Tracked(3, make_pose())]), FrameResult(9, 0.3, 640, 480, [])]
    write_json(tmp_path / "a.json", Recording(frames, 29.97003))
    document = json.loads((tmp_path / "a.json").read_text())
    assert document == {
        "format": "wildpose/1",
        "units": {"joints_px": "px", "joints_mm": "mm", "pelvis_cam_mm": "mm"},
        "joints": PROMISED_JOINTS.split(),
        "rate_hz": 29.97,
        "camera": None,
        "smoothing": None,
        "frames": [
            {
                "index": 8,
                "time_s": 0.2667,
                "width": 640,
                "height": 480,
                "people": [
                    {
                        "id": 3,
                        "box_xywh": [1.0, 2.5, 30.0, 40.0],
                        "score": 0.457,
                        "joints_px": [[round(i + 0.13, 2), 100.0 - i] for i in range(16)],
                        "confidence": [round(i / 16, 3) for i in range(16)],
                        "joints_mm": [[round(i * 10.04, 1), -float(i), 0.0] for i in range(16)],
                        "pelvis_cam_mm": None,
                        "interpolated": False,
                    }
                ],
            },
            {"index": 9, "time_s": 0.3, "width": 640, "height": 480, "people": []},
        ],
    }
    assert list(document) == ["format", "units", "joints", "rate_hz", "camera", "smoothing", "frames"]
    assert "-0.0" not in (tmp_path / "a.json").read_text()


def test_nan_is_never_written(tmp_path):
    pose = make_pose()
    pose.joints_mm[0, 0] = math.nan
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", Recording([FrameResult(0, 0.0, 64, 48, [Tracked(0, pose)])], 1.0))
    assert list(tmp_path.iterdir()) == []


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["result.json"]
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_documented_layout_matches():
    """docs/json.md names every key."""
    from pathlib import Path

    text = (Path(__file__).parents[1] / "docs" / "json.md").read_text()
    person = to_json(Recording([FrameResult(0, 0.0, 1, 1, [Tracked(0, make_pose())])], 1.0))["frames"][0]["people"][0]
    assert all(f'"{key}"' in text for key in person)


def test_a_store_of_frames_gives_back_what_it_took():
    """Everything of every person, people or none, by place, from the end and in slices."""
    random = np.random.default_rng(3)

    def someone(id: int) -> Tracked:
        numbers = [random.normal(size=shape).astype(np.float32) for shape in ((16, 2), (16, 3), (16,), (4,))]
        return Tracked(id, Pose3D(*numbers, score=random.random()), interpolated=bool(id % 2))

    frames = [FrameResult(3 * k, k / 7, 64, 48, [someone(i) for i in range(k % 3)]) for k in range(7)]
    store = FrameStore(frames)
    assert len(store) == 7 and len(FrameStore()) == 0
    for given, got in [*zip(frames, store, strict=True), (frames[-1], store[-1]), (frames[4], store[3:6][1])]:
        assert (given.index, given.time_s, given.width, given.height) == (got.index, got.time_s, got.width, got.height)
        assert [(p.id, p.interpolated, p.pose.score) for p in given.people] == [
            (p.id, p.interpolated, p.pose.score) for p in got.people
        ]
        for a, b in zip(given.people, got.people, strict=True):
            for name in ("joints_px", "joints_mm", "confidence", "box_xywh"):
                np.testing.assert_array_equal(getattr(a.pose, name), getattr(b.pose, name))
    with pytest.raises(IndexError):
        store[7]
