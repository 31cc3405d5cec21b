"""Held-out people, and what the network said of them before and after."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from wildpose.adapt.photos import Whole
from wildpose.geometry import apply_affine, crop_matrix, square_crop
from wildpose.predict.crops import ImagePyramid, poses_in_boxes
from wildpose.predict.follow import Tracked
from wildpose.predict.mirrored import Mirrored
from wildpose.view import contact_sheet, draw_result, write_picture

SIDE_PX, PEOPLE = 320, 8
AROUND = 1.4
"""Side of the square that is shown, in box sides."""


def draw_before_after(before: Mirrored, after: Mirrored, photos: Whole, target: Path) -> Path:
    """A sheet of pairs, left before and right after; people are taken evenly from the held-out ones, not chosen."""
    pictures, captions = [], []
    for place in range(min(PEOPLE, len(photos))):
        sample = photos.load(place * len(photos) // min(PEOPLE, len(photos)))
        pyramid, crop = ImagePyramid(sample.image_rgb), square_crop(sample.box_xywh, AROUND)
        square, matrix = pyramid.cut(crop, SIDE_PX), crop_matrix(crop, SIDE_PX)
        pair = []
        for model in (before, after):
            pose = poses_in_boxes(model, pyramid, sample.box_xywh[None])[0]
            moved = apply_affine(matrix, pose.joints_px.astype(np.float64)).astype(np.float32)
            people = [Tracked(0, replace(pose, joints_px=moved))]
            pair.append(draw_result(square, people, height_range=(SIDE_PX, SIDE_PX)))
        pictures.append(np.hstack(pair))
        captions.append(f"{sample.image_path.name}: before, after")
    write_picture(target, contact_sheet(pictures, captions))
    return target
