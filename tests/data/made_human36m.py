"""Human3.6M's layouts with the real schema: a few frames of two subjects, before their real cameras' geometry."""

import json
import pickle
from itertools import product
from pathlib import Path

import cv2
import h5py
import numpy as np
from made_bodies import body, room_camera, seen

CAMERAS = {"54138969": 0.5, "55011271": 2.4}
"""Name and where it stands around the room."""


def room_pose(skeleton, frame: int) -> np.ndarray:
    return body(skeleton, turned=0.1 * frame, at=(20.0 * (frame % 13) + 500, 700.0))


def write_photo(path: Path, red: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((50, 40, 3), (0, 0, red), np.uint8))


def index_arrays(subjects: dict[str, list[int]], action: str = "Directions_1") -> dict[str, np.ndarray]:
    """Of subjects and their frames (1-based), seen by both cameras."""
    rows = {"imgname": [], "center": [], "scale": [], "part": [], "S": []}
    for subject, frames in subjects.items():
        for name, around in CAMERAS.items():
            camera = room_camera(name, around, distortion=True)
            for frame in frames:
                cam, px = seen(camera, room_pose("H36M17", frame))
                ones = np.ones((17, 1))
                rows["imgname"].append(f"{subject}/{subject}_{action}.{name}/{subject}_{action}.{name}_{frame:06d}.jpg")
                rows["center"].append((px.min(0) + px.max(0)) / 2)
                rows["scale"].append(1.2 * np.ptp(px, axis=0).max() / 200)
                rows["part"].append(np.concatenate([px, ones], 1))
                rows["S"].append(np.concatenate([cam / 1000, ones], 1))
    return {name: np.array(values) for name, values in rows.items()}


def pickled_cameras() -> dict:
    """As MMPose has them: R camera to world, T metres."""
    cameras = {}
    for subject in ("S1", "S5", "S6", "S7", "S8", "S9", "S11"):
        for name, around in CAMERAS.items():
            camera = room_camera(name, around, distortion=True)
            k1, k2, p1, p2, k3 = camera.distortion
            cameras[subject, name] = {
                "R": camera.R.T,
                "T": (-camera.R.T @ camera.t_mm / 1000)[:, None],
                "c": camera.K[:2, 2:],
                "f": np.diag(camera.K)[:2, None],
                "k": np.array([[k1], [k2], [k3]]),
                "p": np.array([[p1], [p2]]),
                "w": 1000,
                "h": 1002,
                "name": f"camera{name}",
                "id": name,
            }
    return cameras


def unchanged(*_) -> None:
    pass


def write_index(
    root: Path, change=unchanged, cameras=None, split="test", folder="fps50", frames=None, subjects=()
) -> Path:
    """annotation_body3d/<folder>/h36m_<split>.npz and cameras.pkl; S9 and S11 test, S1 trains if nothing is said."""
    subjects = subjects or (("S9", "S11") if split == "test" else ("S1",))
    arrays = index_arrays({subject: frames or list(range(1, 7)) for subject in subjects})
    change(arrays)
    path = root / "annotation_body3d" / folder / f"h36m_{split}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    stored = pickled_cameras() if cameras is None else cameras
    (root / "annotation_body3d" / "cameras.pkl").write_bytes(pickle.dumps(stored))
    return path


def write_triple(root: Path, subject: int, change=unchanged, frames: int = 12) -> None:
    """Moon's three files of one subject: actions 2 (both takes) and 16, two cameras, `frames` frames."""
    folder = root / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    data: dict = {"images": [], "annotations": []}
    joint_3d: dict = {}
    cameras = {}
    for number, (name, around) in enumerate(CAMERAS.items(), 1):
        one = room_camera(name, around)
        f, c = np.diag(one.K)[:2].tolist(), one.K[:2, 2].tolist()
        cameras[str(number)] = {"R": one.R.tolist(), "t": one.t_mm.tolist(), "f": f, "c": c}
    for action, take in ((2, 1), (2, 2), (16, 1)):
        for frame in range(frames):
            pose = room_pose("H36M17", frame)
            joint_3d.setdefault(str(action), {}).setdefault(str(take), {})[str(frame)] = pose.tolist()
            for number, (name, around) in enumerate(CAMERAS.items(), 1):
                _, px = seen(room_camera(name, around), pose)
                stem = f"s_{subject:02d}_act_{action:02d}_subact_{take:02d}_ca_{number:02d}"
                image = {"id": len(data["images"]), "file_name": f"{stem}/{stem}_{frame + 1:06d}.jpg"}
                image |= {"width": 1000, "height": 1002, "subject": subject, "action_name": "Directions"}
                image |= {"action_idx": action, "subaction_idx": take, "cam_idx": number, "frame_idx": frame}
                box = [*(px.min(0) - 20).tolist(), *(np.ptp(px, axis=0) + 40).tolist()]
                data["images"].append(image)
                data["annotations"].append({"id": image["id"], "image_id": image["id"], "bbox": box})
    change(data, cameras, joint_3d)
    for kind, value in (("data", data), ("camera", cameras), ("joint_3d", joint_3d)):
        (folder / f"Human36M_subject{subject}_{kind}.json").write_text(json.dumps(value))


def write_legacy(root: Path, change=unchanged, split: str = "Test") -> Path:
    """annotSample{Test,Train}.h5: MPII16's order, px of a 224 px crop."""
    rows = list(product((9, 11), (1, 2), (1, 2), (1, 6)))  # subject, take, camera, image
    cam_mm = np.array([seen(room_camera(around=0.3 * c), room_pose("MPII16", n))[0] for _, _, c, n in rows])
    subject, take, camera, number = np.array(rows, float).T
    arrays = {
        "id": number,
        "joint_2d": np.random.default_rng(0).uniform(20, 200, (len(rows), 16, 2)),
        "joint_3d_mono": cam_mm,
        "bbox": np.tile([1.0, 2.0, 300.0, 400.0], (len(rows), 1)),
        "subject": subject,
        "action": np.full(len(rows), 2.0),
        "subaction": take,
        "camera": camera,
        "istrain": np.zeros(len(rows)),
    }
    change(arrays)
    path = root / f"annotSample{split}.h5"
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value
    return path
