"""OKS-AP, COCO's keypoint metric, as its own code (pycocotools, the extra `coco`) computes it."""

import contextlib
import copy
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from wildpose.errors import InputError
from wildpose.skeleton import COCO17, MPII16, convert

BODY = np.array([joint in MPII16.joints for joint in COCO17.joints])
"""The 12 of COCO's 17 keypoints that MPII's skeleton has: all but nose, eyes and ears."""
STATS = ("AP", "AP50", "AP75", "AP_medium", "AP_large", "AR", "AR50", "AR75", "AR_medium", "AR_large")
"""In the order in which pycocotools gives them."""


def detections(
    image_ids: Sequence[int], joints_px: Float[np.ndarray, "N 16 2"], scores: Float[np.ndarray, " N"]
) -> list[dict[str, Any]]:
    """Poses as COCO results. Keypoints that MPII lacks are in the middle of the others, for COCO's code takes the
    size of a person from the extent of all 17: leave them out of the count (`count=BODY`)."""
    points, known = convert(joints_px, MPII16, COCO17)
    points[:, ~known] = points[:, known].mean(1, keepdims=True)
    rows = np.concatenate([np.nan_to_num(points), np.broadcast_to(known[:, None], (*points.shape[:2], 1))], -1)
    return [
        {"image_id": int(image), "category_id": 1, "keypoints": row.ravel().tolist(), "score": float(score)}
        for image, row, score in zip(image_ids, rows, scores, strict=True)
    ]


def oks_ap(
    truth: dict[str, Any], found: Sequence[dict[str, Any]], count: Bool[np.ndarray, " 17"] | None = None
) -> dict[str, float]:
    """STATS, in percent: average precision and recall over object keypoint similarities 0.50:0.05:0.95.

    truth: a person_keypoints JSON, loaded. found: COCO results. count: keypoints that count, by default all 17; figures
    of 12 are not those of 17, and the name has to say so. NaN where nobody of that size is annotated. Raises InputError
    for results of images that the truth doesn't have.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    strange = {result["image_id"] for result in found} - {image["id"] for image in truth["images"]}
    if strange:
        raise InputError("results of annotated images", f"image {min(strange)}", "use the results of this set")
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        annotated = COCO()
        annotated.dataset = truth if count is None else _only(truth, count)
        annotated.createIndex()
        if not found:
            return dict.fromkeys(STATS, 0.0)
        judged = COCOeval(annotated, annotated.loadRes(list(found)), "keypoints")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return {name: 100.0 * float(v) if v >= 0 else float("nan") for name, v in zip(STATS, judged.stats, strict=True)}


def _only(truth: dict[str, Any], count: np.ndarray) -> dict[str, Any]:
    """The truth with the other keypoints unlabelled; people left without any are ignored, as COCO does."""
    changed = copy.deepcopy(truth)
    for person in changed["annotations"]:
        points = np.array(person["keypoints"], dtype=np.float64).reshape(-1, 3)
        points[~count] = 0
        person["keypoints"] = points.ravel().tolist()
        person["num_keypoints"] = int((points[:, 2] > 0).sum())
    return changed
