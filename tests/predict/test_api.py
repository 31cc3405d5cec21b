"""What docs/formats.md promises to those who use wildpose from Python."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_weights import draw_person

import wildpose


@pytest.fixture
def clip(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "clip.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (420, 280))
    for step in range(4):
        image = np.zeros((280, 420, 3), np.uint8)
        draw_person(image, (150 + 12 * step, 40, 130, 200))
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return tmp_path / "clip.mp4"


def test_load_once_go_through_a_video_and_save(clip, weights_path, tmp_path):
    estimator = wildpose.PoseEstimator(weights_path, flip=False)
    video = wildpose.Video(clip)
    pairs = list(wildpose.predict_video(estimator, video, stride=2))
    assert [frame.index for frame, _ in pairs] == [0, 2] and pairs[1][0].image_rgb.shape == (280, 420, 3)
    recording = wildpose.Recording([result for _, result in pairs], video.fps / 2)
    written = wildpose.save(recording, tmp_path / "new" / "poses", "clip", ("json", "trc"))
    assert [path.name for path in written] == ["clip.json", "clip_person0.trc"]
    frames = json.loads(written[0].read_text())["frames"]
    assert [frame["people"][0]["id"] for frame in frames] == [0, 0]
    by_path = [result for _, result in wildpose.predict_video(estimator, str(clip), stride=2)]
    assert [f.index for f in by_path] == [0, 2]


def test_a_batch_of_pictures_is_the_pictures_one_by_one(weights_path, detector_path):
    """Of different sizes, with 0 to 20 boxes: more than go through the network at once."""
    estimator, rng = wildpose.PoseEstimator(weights_path, detector=detector_path, flip=False), np.random.default_rng(0)
    images = [np.zeros((200 + 40 * i, 300, 3), np.uint8) for i in range(3)]
    boxes = [[[*rng.uniform(0, 90, 2), *rng.uniform(80, 120, 2)] for _ in range(count)] for count in (20, 0, 3)]
    for image, given in zip(images, boxes, strict=True):
        for box in given[:1]:
            draw_person(image, tuple(box))
    together = estimator.predict_batch(images, boxes)
    assert [len(poses) for poses in together] == [20, 0, 3]
    for image, given, poses in zip(images, boxes, together, strict=True):
        for pose, alone in zip(poses, estimator.predict(image, given), strict=True):
            np.testing.assert_allclose(pose.joints_mm, alone.joints_mm, atol=0.01)
    found = estimator.predict_batch(images)
    assert [len(poses) for poses in found] == [len(estimator.predict(image)) for image in images] == [1, 0, 1]
    camera = wildpose.Camera(200.0, 200.0, 0.0, 0.0)
    (first,), (alone,) = estimator.predict_batch(images[:1], boxes[:1], cameras=[camera])[0][:1], together[0][:1]
    np.testing.assert_allclose(first.joints_mm, estimator.predict(images[0], boxes[0], camera=camera)[0].joints_mm)
    assert np.abs(first.joints_mm - alone.joints_mm).max() > 20
    with pytest.raises(wildpose.InputError, match="a camera for each of 3 images, got 1 cameras"):
        estimator.predict_batch(images, boxes, cameras=[None])
    with pytest.raises(wildpose.InputError, match="boxes for each of 3 images, got 2 lists"):
        estimator.predict_batch(images, boxes[:2])


def test_given_boxes_are_for_the_first_frame(clip, weights_path):
    estimator = wildpose.PoseEstimator(weights_path, flip=False)
    given = wildpose.predict_video(estimator, clip, boxes=[[150, 40, 130, 200]], smoothing=None)
    results = [result for _, result in given]
    middles = [float(result.people[0].pose.joints_px[:, 0].mean()) for result in results]
    assert np.diff(middles) == pytest.approx([12, 12, 12], abs=3)


def test_a_video_is_read_with_the_camera_that_is_told(clip, weights_path):
    estimator, seen = wildpose.PoseEstimator(weights_path, flip=False), {}
    height, width = next(wildpose.Video(clip).frames()).image_rgb.shape[:2]
    focal = width / 2 / np.tan(np.radians(20.0))
    camera = wildpose.Camera(focal, focal, (width - 1) / 2, (height - 1) / 2)
    for name, how in {"usual": {}, "fov": {"fov_deg": 40.0}, "camera": {"camera": camera}}.items():
        results = [result for _, result in wildpose.predict_video(estimator, clip, smoothing=None, **how)]
        seen[name] = np.array([result.people[0].pose.joints_mm for result in results])
    np.testing.assert_allclose(seen["fov"], seen["camera"], atol=0.1)
    assert np.abs(seen["fov"] - seen["usual"]).max() > 5


def test_videos_are_smoothed_unless_asked_otherwise(clip, weights_path):
    estimator = wildpose.PoseEstimator(weights_path, flip=False)
    seen, usual, strong = (
        np.array([result.people[0].pose.joints_px for _, result in wildpose.predict_video(estimator, clip, **how)])
        for how in ({"smoothing": None}, {}, {"smoothing": wildpose.Smoothing(min_cutoff_hz=0.2, beta=0.0)})
    )
    assert 0.5 < np.abs(usual - seen).max() < np.abs(strong - seen).max()


def test_the_package_says_that_it_is_typed():
    assert (Path(wildpose.__file__).parent / "py.typed").is_file()  # PEP 561: or type checkers take all of it for Any


def test_every_public_name_exists():
    assert all(getattr(wildpose, name) is not None for name in wildpose.__all__)
