"""Rendered people as somebody's own photos: JPEG files and 2D labels in COCO's format, their 3D kept back."""

import json
from pathlib import Path

import cv2
import numpy as np

from wildpose.data.studio import StudioSet
from wildpose.skeleton import COCO17, MPII16, convert

CATEGORY = {"id": 1, "name": "person", "keypoints": list(COCO17.joints), "skeleton": [[16, 14]]}


def write_photos(rendered: StudioSet, rows: np.ndarray, folder: Path, change=lambda image, rng: image) -> None:
    """Row i as folder/000123.jpg. change: what the camera does to the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in rows.tolist():
        image = change(rendered.image(i), np.random.default_rng(i))
        cv2.imwrite(str(folder / name_of(i)), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])


def name_of(row: int) -> str:
    return f"{row:06d}.jpg"


def coco_labels(rendered: StudioSet, rows: np.ndarray) -> dict:
    """The twelve joints that COCO and MPII share; those outside the picture aren't labelled, hidden ones are."""
    images, annotations = [], []
    for i in rows.tolist():
        inside = np.where(rendered.in_image[i][:, None], rendered.joints_px[i].astype(np.float64), np.nan)
        points, _ = convert(inside, MPII16, COCO17)
        hidden = convert(rendered.occluded[i][:, None].astype(np.float64), MPII16, COCO17)[0][:, 0] > 0
        known = np.isfinite(points).all(-1)
        flags = np.where(known, np.where(hidden, 1, 2), 0)
        keypoints = np.column_stack([np.where(known[:, None], points, 0), flags])
        height, width = rendered.image(i).shape[:2]
        images.append({"id": i, "file_name": name_of(i), "width": width, "height": height})
        annotations.append(
            {
                "id": i,
                "image_id": i,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": rendered.box_xywh[i].tolist(),
                "keypoints": np.round(keypoints, 2).ravel().tolist(),
                "num_keypoints": int(known.sum()),
            }
        )
    return {"images": images, "annotations": annotations, "categories": [CATEGORY]}


def write_labels(rendered: StudioSet, rows: np.ndarray, path: Path) -> Path:
    path.write_text(json.dumps(coco_labels(rendered, rows)))
    return path
