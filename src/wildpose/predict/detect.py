"""Where the people are: the shipped detector looks at the whole picture once. NumPy and ONNX Runtime only."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from jaxtyping import Float, UInt8

from wildpose.errors import InputError
from wildpose.geometry import Crop, apply_affine, crop_matrix, invert_affine
from wildpose.predict.crops import ImagePyramid
from wildpose.predict.onnx_model import FETCH, METADATA_KEY, content_digest

FORMAT = "wildpose-detector/1"
PACKAGED = files("wildpose") / "weights" / "detector.onnx"
SAME_PERSON = 0.55
"""Two boxes that overlap more than this (intersection over union) are one person's."""
Maps = tuple[Float[np.ndarray, "1 h w"], Float[np.ndarray, "1 4 h w"]]
"""At each place of a picture: how surely a person's middle is here; left, top, right, bottom of that person's box."""


@dataclass(frozen=True)
class Detections:
    """People found in a picture, surest first."""

    boxes_xywh: Float[np.ndarray, "N 4"]
    """Around each person's joints, px of the picture; may reach over its edge where a person is cut."""
    scores: Float[np.ndarray, " N"]
    """0 to 1."""


class Detector:
    """Picture to boxes. Load it with `Detector.load`."""

    def __init__(self, session: onnxruntime.InferenceSession, metadata: dict[str, Any]):
        self.session, self.metadata = session, metadata
        self.input_px, self.threshold = int(metadata["input_px"]), float(metadata["threshold"])

    @classmethod
    def load(cls, weights: str | Path = "default", threads: int | None = None) -> "Detector":
        """Read and verify a detector file; "default" is the one inside the package.

        threads: CPU threads a run may use (default 2). Raises InputError for a file that is missing, cut short, not
        ONNX, without metadata, altered (its SHA-256 does not match), or of another format.
        """
        path = PACKAGED if str(weights) == "default" else Path(weights)
        if not path.is_file():
            raise InputError(f"a detector file at {path}", "no such file", 'give an .onnx file, or "default"')
        content = path.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 2
        options.log_severity_level = 4  # a broken file is reported by us, in one line
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no public base class
            got = f"{len(content)} bytes that can't be loaded"
            raise InputError(f"an ONNX detector in {path}", got, FETCH) from error
        return cls(session, read_metadata(str(path), content, session.get_modelmeta().custom_metadata_map))

    def find(self, pyramid: ImagePyramid, threshold: float | None = None) -> Detections:
        """Everyone at least as sure as the threshold (None: the one that the file says)."""
        return look(self.run, pyramid, self.input_px, self.threshold if threshold is None else threshold)

    def run(self, images_rgb: UInt8[np.ndarray, "1 S S 3"]) -> Maps:
        scores, boxes_ltrb = self.session.run(["scores", "boxes_ltrb"], {"images_rgb": images_rgb})
        return scores, boxes_ltrb


def look(
    run: Callable[[UInt8[np.ndarray, "1 S S 3"]], Maps], pyramid: ImagePyramid, input_px: int, threshold: float
) -> Detections:
    """Run a network on the whole picture, in a square with black stripes, and bring what it finds back to its px."""
    height, width = pyramid.size_hw
    whole = Crop(((width - 1) / 2, (height - 1) / 2), float(max(height, width)))
    scores, boxes_ltrb = run(pyramid.cut(whole, input_px)[None])
    found, sure = decode(scores[0], boxes_ltrb[0], threshold)
    corners = apply_affine(invert_affine(crop_matrix(whole, input_px)), found.reshape(-1, 2, 2))
    low, high = corners[:, 0], corners[:, 1]
    return Detections(np.concatenate([low, np.maximum(high - low, 1.0)], 1), sure)


def read_metadata(where: str, content: bytes, metadata_map: dict[str, str]) -> dict[str, Any]:
    """What a detector file says of itself, checked: format, sizes, digest. Raises InputError."""
    try:
        metadata = json.loads(metadata_map[METADATA_KEY])
        stated, sound = metadata["sha256"], metadata["format"] == FORMAT
        sound = sound and int(metadata["input_px"]) > 0 and 0 < float(metadata["threshold"]) < 1
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"a wildpose detector in {where}", f"{type(error).__name__}: {error}", FETCH) from error
    if not sound:
        raise InputError(f"a detector of format {FORMAT} in {where}", f"{metadata['format']!r}", FETCH)
    digest = content_digest(content, stated)
    if digest != stated:
        raise InputError(f"SHA-256 {stated[:12]}... of {where}", f"{digest[:12]}... (altered file)", FETCH)
    return metadata


def decode(
    scores: Float[np.ndarray, "h w"], boxes_ltrb: Float[np.ndarray, "4 h w"], threshold: float
) -> tuple[Float[np.ndarray, "N 4"], Float[np.ndarray, " N"]]:
    """Boxes (left, top, right, bottom; input px) and scores of the peaks of a map, surest first, one a person."""
    scores = scores.astype(np.float64)
    peaks = (scores >= threshold) & (scores == cv2.dilate(scores, np.ones((3, 3))))
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-scores[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    boxes = boxes_ltrb[:, rows, columns].T.astype(np.float64)
    kept: list[int] = []
    for i, box in enumerate(boxes):
        if not kept or overlaps(box, boxes[kept]).max() <= SAME_PERSON:
            kept.append(i)
    return boxes[kept].reshape(-1, 4), scores[rows, columns][kept]


def as_ltrb(boxes_xywh: Float[np.ndarray, "N 4"]) -> Float[np.ndarray, "N 4"]:
    """Left, top, right, bottom of boxes given as x, y, w, h."""
    return np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], 1)


def overlaps(box_ltrb: Float[np.ndarray, " 4"], others_ltrb: Float[np.ndarray, "N 4"]) -> Float[np.ndarray, " N"]:
    """Intersection over union of one box with each of others."""
    low = np.maximum(box_ltrb[:2], others_ltrb[:, :2])
    high = np.minimum(box_ltrb[2:], others_ltrb[:, 2:])
    shared = np.maximum(high - low, 0).prod(1)
    areas = np.maximum(others_ltrb[:, 2:] - others_ltrb[:, :2], 0).prod(1)
    return shared / np.maximum(areas + np.maximum(box_ltrb[2:] - box_ltrb[:2], 0).prod() - shared, 1e-9)
