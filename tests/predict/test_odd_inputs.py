"""Shapes and names that libraries stumble over."""

import io
import os
import sys

import cv2
import numpy as np
import pytest

from wildpose import InputError, PoseEstimator, cli
from wildpose.formats.tracks import Track
from wildpose.formats.trc import write_trc
from wildpose.geometry import Crop
from wildpose.predict import crops
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.inputs import Video
from wildpose.view import MOST_WIDTH, draw_result


@pytest.mark.parametrize("shape", [(2, 1200), (600, 66_000), (1, 40_000)])
def test_wide_low_pictures_can_be_drawn(shape):
    picture = draw_result(np.full((*shape, 3), 200, np.uint8), [])
    assert picture.shape[0] == max(480, shape[0]) and picture.shape[1] <= MOST_WIDTH + 1000
    assert cv2.imencode(".jpg", picture)[0]
    assert (picture[0, : min(shape[1], MOST_WIDTH)] == 200).all(), "the photo is at the top, as wide as it may be"


@pytest.mark.parametrize("angle", [0.0, 0.4])
@pytest.mark.parametrize("center", [(120.0, 60.0), (5.0, 90.0), (599.5, 7.0), (-90.0, 50.0)])
def test_a_part_of_an_image_that_is_too_long_for_opencv_gives_the_same_crop(center, angle, monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (100, 600, 3), dtype=np.uint8)
    crop = Crop(center, 90.0, angle)
    whole = ImagePyramid(image).cut(crop, 64)
    monkeypatch.setattr(crops, "WARP_PX", 500)
    assert np.abs(ImagePyramid(image).cut(crop, 64).astype(int) - whole).max() <= 1


def test_a_box_in_a_picture_wider_than_opencv_warps(weights_path):
    image = np.zeros((300, 33_000, 3), np.uint8)
    poses = PoseEstimator(weights_path).predict(image, boxes=[[32_000, 0, 70, 160]])
    assert len(poses) == 1 and np.isfinite(poses[0].joints_mm).all()


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_of_people_below_one_is_refused(weights_path, dots_are_people, count):
    image = np.zeros((100, 100, 3), np.uint8)
    with pytest.raises(InputError, match=f"max_people of at least 1, got {count}"):
        PoseEstimator(weights_path).predict(image, max_people=count)


LATIN = os.fsdecode(b"caf\xe9")


any_name = pytest.mark.skipif(sys.platform == "darwin", reason="macOS's file systems take UTF-8 names only")


@any_name
def test_a_video_whose_name_is_not_utf8_is_refused_before_opencv_crashes(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    path = (tmp_path / "v.avi").rename(tmp_path / f"{LATIN}.avi")
    with pytest.raises(InputError, match="a file name in UTF-8"):
        Video(path)


@any_name
def test_a_photo_whose_name_is_not_utf8_is_read_and_said(tmp_path, weights_path, monkeypatch):
    """Also by a terminal that takes nothing but UTF-8, and into files that have the name in them."""
    photo = tmp_path / f"{LATIN}.png"
    photo.write_bytes(cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
    said = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said, "utf-8", "strict"))
    args = ["--weights", str(weights_path), "--box", "10,5,30,40", "--format", "json,trc,csv,bvh,npz", "--html"]
    cli.main(["predict", str(photo), "--out", str(tmp_path / "out"), *args])
    sys.stdout.flush()
    assert b"caf\\udce9.png: 1 person" in said.getvalue()
    assert len(list((tmp_path / "out").iterdir())) == 7


@any_name
def test_a_trc_names_itself_as_well_as_utf8_can(tmp_path):
    track = Track(0, np.zeros(1), np.zeros((1, 16, 3)))
    write_trc(tmp_path / f"{LATIN}.trc", track, 30.0)
    assert (tmp_path / f"{LATIN}.trc").read_bytes().split(b"\n")[0].endswith(b"caf?.trc")
