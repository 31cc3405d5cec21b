"""Human3.6M's official archives with the real schema: thirty takes of a subject, four cameras, a few frames each."""

import tarfile
from pathlib import Path

import cv2
import numpy as np
from cdflib.cdfwrite import CDF
from made_bodies import body, room_camera

from wildpose.data.human36m import ACTION_OF_NUMBER, CAMERA_NAMES
from wildpose.data.human36m_archives import JOINTS17
from wildpose.data.sample import Camera
from wildpose.skeleton import H36M17

SUBJECTS = [f"S{k}" for k in range(1, 12)]
OFFICIAL = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}
"""Actions that S1's files spell differently."""
FRAMES = 7
GREY_STEP = 25
"""Frame n of every video is grey GREY_STEP x n."""


def camera_of(subject: str, place: int) -> Camera:
    return room_camera(CAMERA_NAMES[place], around=0.3 + 1.4 * place + 0.05 * SUBJECTS.index(subject), distortion=True)


def angles(R: np.ndarray) -> tuple[float, float, float]:
    """About x, y, z, so that R = Rx Ry Rz."""
    return np.arctan2(-R[1, 2], R[2, 2]), np.arcsin(R[0, 2]), np.arctan2(-R[0, 1], R[0, 0])


def take_names(subject: str) -> dict[tuple[int, int], str]:
    """(official number of the action, take) -> name: `Directions 1` and `Directions`, as for most subjects."""
    spelled = OFFICIAL if subject == "S1" else {}
    names = {}
    for number, action in ACTION_OF_NUMBER.items():
        names[number, 1], names[number, 2] = f"{spelled.get(action, action)} 1", spelled.get(action, action)
    return names


def write_metadata(path: Path) -> None:
    numbers = []
    for place in range(4):
        for subject in SUBJECTS:
            camera = camera_of(subject, place)
            numbers += [*angles(camera.R), *(-camera.R.T @ camera.t_mm)]
    for place in range(4):
        camera = camera_of("S1", place)
        k1, k2, p1, p2, k3 = camera.distortion
        numbers += [camera.K[0, 0], camera.K[1, 1], camera.K[0, 2], camera.K[1, 2], k1, k2, k3, p1, p2]
    rows = [["", "", *SUBJECTS], ["1", "1", *(["_ALL 1"] * 11)], ["1", "2", *(["_ALL"] * 11)]]
    rows += [[str(a), str(t), *(take_names(s)[a, t] for s in SUBJECTS)] for a, t in take_names("S1")]
    rows += [["", "", *(["[1 2;3 4]"] * 11)]]
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    w0 = " ".join(repr(float(number)) for number in numbers)
    path.write_text(f"<xml><mapping>{cells}</mapping><w0>[{w0}]</w0></xml>")


def room_pose(frame: int) -> np.ndarray:
    """(17, 3) mm in the room, frame 1-based."""
    return body("H36M17", turned=0.1 * frame, at=(15.0 * frame, 300.0))


def write_cdf(path: Path, values: np.ndarray, name: str = "Pose") -> None:
    file = CDF(path, delete=True)
    spec = {"Variable": name, "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(values.shape)}
    file.write_var(spec, var_data=values[None].astype(np.float32))
    file.close()


def write_subject(root: Path, subject: str) -> None:
    """Unpacked: S9/MyPoseFeatures/D3_Positions/*.cdf and S9/Videos/*.mp4."""
    poses, videos = root / subject / "MyPoseFeatures" / "D3_Positions", root / subject / "Videos"
    poses.mkdir(parents=True)
    videos.mkdir()
    raw = np.zeros((FRAMES, 32, 3))
    raw[:, JOINTS17] = np.stack([room_pose(frame + 1) for frame in range(FRAMES)])
    assert H36M17.n == len(JOINTS17)
    first = None
    for name in take_names(subject).values():
        if first is None:
            first = poses / f"{name}.cdf"
            write_cdf(first, raw.reshape(FRAMES, 96))
            write_video(videos / f"{name}.{CAMERA_NAMES[0]}.mp4")
        for camera in CAMERA_NAMES:
            target = videos / f"{name}.{camera}.mp4"
            if not target.exists():
                target.write_bytes((videos / f"{first.stem}.{CAMERA_NAMES[0]}.mp4").read_bytes())
        if not (poses / f"{name}.cdf").exists():
            (poses / f"{name}.cdf").write_bytes(first.read_bytes())


def write_video(path: Path, frames: int = FRAMES, fourcc: str = "mp4v") -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*fourcc), 50, (64, 48))
    for frame in range(1, frames + 1):
        writer.write(np.full((48, 64, 3), GREY_STEP * frame % 256, np.uint8))
    writer.release()


def pack_subject(root: Path, subject: str) -> None:
    """The same as its two archives, in the archives' own folder structure."""
    for archive, folder in (("Poses_D3_Positions", "MyPoseFeatures"), ("Videos", "Videos")):
        with tarfile.open(root / f"{archive}_{subject}.tgz", "w:gz") as tar:
            tar.add(root / subject / folder, f"{subject}/{folder}")
