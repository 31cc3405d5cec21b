"""Human3.6M as Moon et al. (ICCV 2019) lay it out: by subject a COCO-style list of images, cameras, 3D joints.

annotations/Human36M_subject{1,5,6,7,8,9,11}_data.json: images with file_name, action_idx, subaction_idx, cam_idx,
frame_idx (0-based, 50 a second), and annotations with bbox (x, y, w, h). _camera.json: by cam_idx R, t (mm), f, c, with
X_cam = R X + t. _joint_3d.json: by action, subaction and frame 17 joints in world mm. Images lie in images/.
There are no 2D labels: they are projections, without lens distortion, as in that code.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from wildpose.data.checks import check_sides_3d, check_unit
from wildpose.data.files import FETCH_AGAIN, as_array, at, inside, need, need_list, need_whole, read_json, shortened
from wildpose.data.human36m import (
    ACTION_OF_NUMBER,
    CAMERA_NAMES,
    CORRUPT,
    USUAL_STRIDE,
    Sequence,
    Split,
    subjects_of,
    to_mpii16,
)
from wildpose.data.people import People
from wildpose.data.sample import Camera
from wildpose.errors import InputError

KINDS_OF_FILE = ("data", "camera", "joint_3d")
LEAST_INSIDE = 0.7
"""Share of joints that a box of the right camera holds, widened by a fifth; a wrong camera leaves about none in it."""


def load_json(root: Path, split: Split, stride: int | None = None) -> People:
    """The subjects of a split, every `stride`-th frame; all seven subjects' files together fill several GB as text."""
    if stride is not None and stride < 1:
        raise InputError("a stride of 1 or more", str(stride), f"usual: {USUAL_STRIDE}")
    parts = [read_subject(root, subject, stride or 1) for subject in subjects_of(split)]
    cameras = tuple(camera for part in parts for camera in part.cameras)
    first = np.cumsum([0] + [len(part.cameras) for part in parts])
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "joints_px", "mask", "boxes_xywh", "joints_cam_mm", "subject", "action")
    }
    camera = np.concatenate([part.camera + start for part, start in zip(parts, first[:-1], strict=True)])
    return People(root, **joined, cameras=cameras, camera=camera)


def read_subject(root: Path, subject: str, stride: int) -> People:
    """Every `stride`-th frame of one subject; InputError if one of the three files is missing or damaged."""
    paths = {kind: root / "annotations" / f"Human36M_subject{subject[1:]}_{kind}.json" for kind in KINDS_OF_FILE}
    cameras = _read_cameras(paths["camera"])
    boxes_by_image, images = _read_images(paths["data"], subject, stride)
    joints_3d = read_json(paths["joint_3d"])
    names, boxes, cam, world, actions = [], [], [], [], []
    for image in images:
        where = f"image {image['id']}"
        if image["id"] not in boxes_by_image:
            raise InputError(f"an annotation in {at(paths['data'], where)}", "none", FETCH_AGAIN)
        boxes.append(as_array(boxes_by_image[image["id"]], (4,), "bbox", paths["data"], where))
        names.append(f"images/{inside(need(image, 'file_name', paths['data'], where), paths['data'], where)}")
        if image["cam_idx"] not in cameras:
            have = ", ".join(map(str, cameras))
            raise InputError(f"camera {image['cam_idx']} in {paths['camera']}", f"only {have}", FETCH_AGAIN)
        cam.append(image["cam_idx"])
        actions.append(ACTION_OF_NUMBER[image["action_idx"]])
        world.append(_pose(joints_3d, image, paths["joint_3d"]))
    del joints_3d
    place = {number: i for i, number in enumerate(cameras)}
    camera = np.array([place[number] for number in cam])
    R, t = np.stack([c.R for c in cameras.values()])[camera], np.stack([c.t_mm for c in cameras.values()])[camera]
    world_mm = as_array(world, (len(names), 17, 3), "joints", paths["joint_3d"])
    joints_cam_mm = to_mpii16(world_mm @ R.transpose(0, 2, 1) + t[:, None])
    check_unit(joints_cam_mm, paths["joint_3d"], "joints")
    check_sides_3d(joints_cam_mm, paths["joint_3d"])
    joints_px = np.full((len(names), 16, 2), np.nan)
    for i, one in enumerate(cameras.values()):
        joints_px[camera == i] = one.project(joints_cam_mm[camera == i])
    boxes_xywh = np.stack(boxes)
    _check_boxes(joints_px, boxes_xywh, np.array(cam), paths)
    return People(
        root,
        np.array(names),
        joints_px.astype(np.float32),
        np.isfinite(joints_px).all(-1),
        boxes_xywh.astype(np.float32),
        joints_cam_mm.astype(np.float32),
        np.array([subject] * len(names)),
        np.array(actions),
        tuple(cameras.values()),
        camera,
    )


def _read_cameras(path: Path) -> dict[int, Camera]:
    stored = read_json(path)
    if not isinstance(stored, dict) or not stored:
        raise InputError(f"cameras by number in {path}", type(stored).__name__, FETCH_AGAIN)
    cameras = {}
    for number, value in stored.items():
        where = f"camera {number}"
        if not number.isdecimal():
            raise InputError(f"cameras by number in {path}", shortened(number), FETCH_AGAIN)
        shapes = {"R": (3, 3), "t": (3,), "f": (2,), "c": (2,)}
        got = {key: as_array(need(value, key, path, where), shape, key, path, where) for key, shape in shapes.items()}
        if np.abs(got["R"] @ got["R"].T - np.eye(3)).max() > 1e-3 or np.linalg.det(got["R"]) < 0:
            raise InputError(f"a rotation R in {at(path, where)}", f"{got['R'].round(3).tolist()}", FETCH_AGAIN)
        K = np.array([[got["f"][0], 0, got["c"][0]], [0, got["f"][1], got["c"][1]], [0, 0, 1]])
        name = CAMERA_NAMES[int(number) - 1] if number in ("1", "2", "3", "4") else str(number)
        cameras[int(number)] = Camera(K, np.zeros(5), got["R"], got["t"], name)
    return cameras


def _read_images(path: Path, subject: str, stride: int) -> tuple[dict, list[dict]]:
    """Boxes by image number, and the images of every stride-th frame without the corrupt sequence."""
    stored = read_json(path)
    boxes = {}
    for i, annotation in enumerate(need_list(stored, "annotations", path)):
        where = f"annotation {i}"
        boxes[need_whole(annotation, "image_id", path, where)] = need(annotation, "bbox", path, where)
    images: list[dict] = []
    last: dict[tuple[int, int, int], int] = {}
    for i, image in enumerate(need_list(stored, "images", path)):
        keys = ("id", "subject", "action_idx", "subaction_idx", "cam_idx", "frame_idx")
        _, number, action, subaction, camera, frame = (need_whole(image, key, path, f"image {i}") for key in keys)
        if f"S{number}" != subject:
            raise InputError(f"subject {subject[1:]} in {path}, image {i}", str(number), "check the file's name")
        if action not in ACTION_OF_NUMBER:
            raise InputError(f"action_idx 2 to 16 in {path}, image {i}", str(action), FETCH_AGAIN)
        name = CAMERA_NAMES[camera - 1] if camera in (1, 2, 3, 4) else str(camera)
        corrupt = Sequence(subject, ACTION_OF_NUMBER[action], subaction, name) == CORRUPT
        if not corrupt:
            sequence = (action, subaction, camera)
            last[sequence] = max(frame, last.get(sequence, 0))
            if frame % stride == 0:
                images.append(image)
    if not last:
        raise InputError(f"images in {path}", "none", FETCH_AGAIN)
    expected = sum(frame // stride + 1 for frame in last.values())
    if len(images) < 0.9 * expected:
        fix = "choose a multiple of the distance of its frames"
        raise InputError(f"about {expected} frames 0, {stride}, {2 * stride} ... in {path}", f"{len(images)}", fix)
    return boxes, images


def _pose(joints_3d: Any, image: dict, path: Path) -> list:
    """17 joints of an image, world mm."""
    found, where = joints_3d, ""
    for key in ("action_idx", "subaction_idx", "frame_idx"):
        found = need(found, str(image[key]), path, where.strip(", "))
        where += f"{key} {image[key]}, "
    as_array(found, (17, 3), "joints", path, where.strip(", "))
    return found


def _check_boxes(
    joints_px: Float[np.ndarray, "N 16 2"], boxes: Float[np.ndarray, "N 4"], camera: np.ndarray, paths: dict[str, Path]
) -> None:
    """InputError if a camera projects people out of their boxes: it is another one."""
    low, size = boxes[:, None, :2], boxes[:, None, 2:]
    held = ((joints_px > low - 0.2 * size) & (joints_px < low + 1.2 * size)).all(-1)
    for number in np.unique(camera):
        share = float(held[camera == number].mean())
        if share < LEAST_INSIDE:
            raise InputError(
                f"3D joints that camera {number} of {paths['camera']} projects into the boxes of {paths['data']}",
                f"{100 * share:.0f} % of them inside",
                "this is the wrong camera, or boxes and 3D belong to different frames",
            )
