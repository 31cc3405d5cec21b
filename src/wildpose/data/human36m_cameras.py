"""Human3.6M's cameras: from the official metadata.xml, from MMPose's cameras.pkl, from our cameras.json."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from wildpose.data.files import FETCH_AGAIN, as_array, need, read_json
from wildpose.data.human36m import CAMERA_NAMES
from wildpose.data.plain_pickle import read_plain_pickle
from wildpose.data.sample import Camera
from wildpose.errors import InputError

Cameras = dict[tuple[str, str], Camera]
"""By subject and camera name, ("S1", "54138969")."""
SHAPES = {"R": (3, 3), "T": (3, 1), "f": (2, 1), "c": (2, 1), "k": (3, 1), "p": (2, 1)}
EXTRINSICS, INTRINSICS = 6, 9
"""Numbers of a camera in metadata.xml: three angles and a place for each of eleven subjects; f, c, k, p."""
SUBJECT_COUNT = 11
MM_PER_M = 1000.0


def read_cameras(root: Path) -> Cameras:
    """Cameras of an index: `cameras.json` or MMPose's `cameras.pkl` (read as data, never unpickled).

    Either holds by subject and name R (camera to world), T (place of the camera, metres), f, c (px), k and p
    (radial and tangential distortion). Raises InputError if neither is there or one is damaged.
    """
    places = [root / folder / name for name in ("cameras.json", "cameras.pkl") for folder in ("annotation_body3d", "")]
    path = next((p for p in places if p.is_file()), None)
    if path is None:
        fix = "`wildpose data prepare human36m` writes it"
        raise InputError(f"cameras.json or cameras.pkl in {root / 'annotation_body3d'}", "no such file", fix)
    if path.suffix == ".json":
        stored = read_json(path)
        stored = {tuple(key.split(" ", 1)): value for key, value in _mapping(stored, path).items()}
    else:
        stored = _mapping(read_plain_pickle(path.read_bytes(), path), path)
    return {key: _camera(value, key, path) for key, value in stored.items()}


def write_cameras(path: Path, cameras: Cameras) -> None:
    """`cameras.json` in the form that read_cameras reads."""
    stored = {}
    for (subject, name), camera in cameras.items():
        k1, k2, p1, p2, k3 = camera.distortion.tolist()
        stored[f"{subject} {name}"] = {
            "R": camera.R.T.tolist(),
            "T": (-camera.R.T @ camera.t_mm / MM_PER_M)[:, None].tolist(),
            "f": np.diag(camera.K)[:2, None].tolist(),
            "c": camera.K[:2, 2:].tolist(),
            "k": [[k1], [k2], [k3]],
            "p": [[p1], [p2]],
        }
    path.write_text(json.dumps(stored, indent=1))


def parse_w0(text: str, path: Path) -> Cameras:
    """Cameras of all eleven subjects from the element w0 of metadata.xml: "[a b c ...]", 300 numbers.

    First 6 for each camera and subject, angles about x, y, z (world to camera: Rx Ry Rz) and the place in mm; then 9
    for each camera: f, c, three radial and two tangential coefficients.
    """
    count = len(CAMERA_NAMES) * (SUBJECT_COUNT * EXTRINSICS + INTRINSICS)
    try:
        numbers = [float(word) for word in text.strip().strip("[]").replace(";", " ").split()]
    except ValueError as error:
        raise InputError(f"{count} numbers in w0 of {path}", str(error), FETCH_AGAIN) from None
    w0 = as_array(numbers, (count,), "w0", path)
    cameras = {}
    for c, name in enumerate(CAMERA_NAMES):
        for s in range(SUBJECT_COUNT):
            start = EXTRINSICS * (c * SUBJECT_COUNT + s)
            angles, place = w0[start : start + 3], w0[start + 3 : start + 6]
            start = EXTRINSICS * SUBJECT_COUNT * len(CAMERA_NAMES) + c * INTRINSICS
            f, middle, k, p = np.split(w0[start : start + INTRINSICS], (2, 4, 7))
            R = rotation(angles)
            cameras[f"S{s + 1}", name] = make_camera(f, middle, k, p, R, -R @ place, name)
    return cameras


def rotation(angles: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """Rx Ry Rz of three angles in radians."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def make_camera(
    f: np.ndarray, c: np.ndarray, k: np.ndarray, p: np.ndarray, R: np.ndarray, t_mm: np.ndarray, name: str
) -> Camera:
    """A camera of Human3.6M's numbers. Its own code leaves out a factor 2 in front of the tangential coefficients
    that OpenCV has; they are so small that it is a tenth of a pixel."""
    K = np.array([[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]])
    return Camera(K, np.array([k[0], k[1], p[0], p[1], k[2]]), R, t_mm, name)


def _mapping(value: Any, path: Path) -> dict:
    if not isinstance(value, dict) or not value:
        raise InputError(f"cameras by subject and name in {path}", type(value).__name__, FETCH_AGAIN)
    return value


def _camera(value: Any, key: Any, path: Path) -> Camera:
    where = f"camera {key}"
    array = {name: as_array(need(value, name, path, where), shape, name, path, where) for name, shape in SHAPES.items()}
    to_world = array["R"]
    if np.abs(to_world @ to_world.T - np.eye(3)).max() > 1e-3 or np.linalg.det(to_world) < 0:
        raise InputError(f"a rotation R in {path}, {where}", f"{to_world.round(3).tolist()}", FETCH_AGAIN)
    f, c, k, p = (array[name][:, 0] for name in ("f", "c", "k", "p"))
    return make_camera(f, c, k, p, to_world.T, -to_world.T @ array["T"][:, 0] * MM_PER_M, str(key[-1]))
