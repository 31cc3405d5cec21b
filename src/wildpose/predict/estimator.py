"""The facade: an image in, poses out, all in the caller's pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Num, UInt8

from wildpose.errors import InputError
from wildpose.predict.crops import ImagePyramid, poses_in_boxes, poses_in_crops
from wildpose.predict.detect import Detector
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel
from wildpose.predict.people import find_people
from wildpose.predict.placement import Camera
from wildpose.types import Pose3D


class PoseEstimator:
    """3D poses of the people in one RGB image.

    weights: a network inside the package by its name ("default", or as `wildpose weights` lists them), or a path to an
    ONNX file that `wildpose export` wrote.
    threads: CPU threads the networks may use. detector: likewise, the network that finds people, which `wildpose
    detector export` wrote. flip: average with the poses of the mirrored crops; without, the networks take little
    more than half the time and err more (README).
    Raises InputError for weights that can't be used.
    """

    def __init__(
        self,
        weights: str | Path = "default",
        threads: int | None = None,
        detector: str | Path = "default",
        flip: bool = True,
    ):
        model = OnnxModel.load(weights, threads)
        self.model = Mirrored(model) if flip else model
        self.detector = Detector.load(detector, threads)

    def predict(
        self,
        image_rgb: UInt8[np.ndarray, "H W 3"],
        boxes: Sequence[Sequence[int | float]] | Num[np.ndarray, "N 4"] | None = None,
        max_people: int = 1,
        camera: Camera | None = None,
    ) -> list[Pose3D]:
        """One Pose3D per person.

        image_rgb: RGB, not OpenCV's BGR.
        boxes: [[x, y, w, h], ...] in px around each whole person: the poses come in their order. They may reach over
        the image's edge but not lie outside of it. None: people are looked for, at most max_people, the most prominent
        (sure and large) first.
        camera: that took the image, whose axes joints_mm are in; None: a usual angle of view is assumed, with the
        image's middle on its axis. So give whole pictures and boxes in them rather than cut-outs.
        Raises InputError for an image or a box that doesn't fit this description.
        """
        check_image(image_rgb)
        pyramid = ImagePyramid(image_rgb, camera)
        if boxes is None:
            return find_people(self.model, self.detector, pyramid, max_people)
        return poses_in_boxes(self.model, pyramid, check_boxes(boxes, pyramid.size_hw))

    def predict_batch(
        self,
        images_rgb: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        boxes: Sequence[Sequence[Sequence[int | float]] | Num[np.ndarray, "_ 4"]] | None = None,
        max_people: int = 1,
        cameras: Sequence[Camera | None] | None = None,
    ) -> list[list[Pose3D]]:
        """`predict` for several images, of any sizes: a list of poses for each, in their order.

        boxes: for each image its boxes; the crops of all go through the network together. cameras: for each image its
        camera, or None. Raises InputError if there are more or fewer of either than images, and for what `predict`
        refuses.
        """
        cameras = [None] * len(images_rgb) if cameras is None else cameras
        if len(cameras) != len(images_rgb):
            fix = "give None for those that aren't known"
            raise InputError(f"a camera for each of {len(images_rgb)} images", f"{len(cameras)} cameras", fix)
        if boxes is None:
            both = zip(images_rgb, cameras, strict=True)
            return [self.predict(image, max_people=max_people, camera=camera) for image, camera in both]
        if len(boxes) != len(images_rgb):
            raise InputError(
                f"a list of boxes for each of {len(images_rgb)} images", f"{len(boxes)} lists", "give [] for none"
            )
        people, owners = [], []
        for owner, (image, given, camera) in enumerate(zip(images_rgb, boxes, cameras, strict=True)):
            check_image(image)
            pyramid = ImagePyramid(image, camera)
            checked = check_boxes(given, pyramid.size_hw)
            people += [(pyramid, box) for box in checked]
            owners += [owner] * len(checked)
        poses: list[list[Pose3D]] = [[] for _ in images_rgb]
        for owner, pose in zip(owners, poses_in_crops(self.model, people), strict=True):
            poses[owner].append(pose)
        return poses


def check_image(image_rgb: object) -> None:
    """Raises InputError unless this is an RGB uint8 image."""
    if not isinstance(image_rgb, np.ndarray):
        raise InputError("an RGB image as a NumPy array", type(image_rgb).__name__, "convert it with np.asarray")
    if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or image_rgb.size == 0:
        raise InputError("an RGB image of shape (H, W, 3)", f"shape {image_rgb.shape}", "convert it to RGB")
    if image_rgb.dtype != np.uint8:
        raise InputError("an RGB image of dtype uint8", str(image_rgb.dtype), "scale it to 0..255 and use uint8")


def check_boxes(boxes: object, size_hw: tuple[int, int]) -> Float[np.ndarray, "N 4"]:
    """Boxes as float64 (N, 4). Raises InputError unless each is finite, has an area, and overlaps the image."""
    fix = "give [[x, y, w, h], ...] in px of this image"
    try:
        checked = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("boxes as numbers", repr(boxes)[:60], fix) from None
    if checked.size == 0:
        return np.zeros((0, 4))
    if checked.ndim != 2 or checked.shape[1] != 4:
        raise InputError("boxes of shape (N, 4)", f"shape {checked.shape}", fix)
    height, width = size_hw
    for box in checked:
        x, y, w, h = box.tolist()
        if not np.isfinite(box).all() or w <= 0 or h <= 0:
            raise InputError("a box with finite numbers and w, h > 0", f"{x:g},{y:g},{w:g},{h:g}", fix)
        if x >= width or y >= height or x + w <= 0 or y + h <= 0:
            raise InputError(
                f"a box inside the {width} x {height} image", f"{x:g},{y:g},{w:g},{h:g} outside of it", fix
            )
    return checked
