"""LSP's training photos and LSPET in half the bytes: cropped around the person, at most 165 px of them, as WebP under
their old names; joints moved along. For a trip to a machine that takes few bytes.

    python tests/data/small_photos.py DATA OUT [QUALITY]      # DATA/lsp, DATA/lspet -> OUT/lsp, OUT/lspet
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from scipy.io import loadmat, savemat

REACH, LONGEST_PX = 0.95, 165.0
"""How much of the photo stays on each side of the person's middle, in sides of their box: all that augmentation shows
but for the widest windows. The longest side of a box."""


def shrink(source: Path, target: Path, joints_px: np.ndarray, quality: int) -> tuple[np.ndarray, np.ndarray]:
    """Write the smaller photo of a person with these labelled joints (0-based px); (corner, scale): new = (old - corner
    + 0.5) * scale - 0.5."""
    image = cv2.imread(str(source))
    size = np.array(image.shape[1::-1])
    low, high = joints_px.min(0), joints_px.max(0)
    side, middle = float((high - low).max()), (low + high) / 2
    first = np.clip(np.floor(middle - REACH * side).astype(int), 0, size - 2)
    last = np.clip(np.ceil(middle + REACH * side).astype(int) + 1, first + 2, size)
    image = image[first[1] : last[1], first[0] : last[0]]
    shape = np.maximum(np.round((last - first) * min(1.0, LONGEST_PX / side)), 1).astype(int)
    if (shape < last - first).any():
        image = cv2.resize(image, tuple(shape.tolist()), interpolation=cv2.INTER_AREA)
    target.write_bytes(cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes())
    return first, shape / (last - first)


def convert(data: Path, out: Path, name: str, pattern: str, quality: int) -> None:
    joints = loadmat(data / name / "joints.mat")["joints"].astype(np.float64)
    people = joints[:2].transpose(2, 1, 0) if name == "lsp" else joints[:, :2].transpose(2, 0, 1)  # views
    labelled = np.ones(people.shape[:2], bool) if name == "lsp" else joints[:, 2].T > 0
    rows = [i for i in range(1000 if name == "lsp" else len(people)) if labelled[i].sum() >= 2]
    (out / name / "images").mkdir(parents=True, exist_ok=True)
    places = [Path(name) / "images" / pattern.format(i + 1) for i in rows]
    with ProcessPoolExecutor() as pool:
        jobs = [pool.submit(shrink, data / p, out / p, people[i, labelled[i]] - 1, quality)
                for i, p in zip(rows, places, strict=True)]  # fmt: skip
        for i, job in zip(rows, jobs, strict=True):
            corner, scale = job.result()
            people[i] = (people[i] - 1 - corner + 0.5) * scale - 0.5 + 1
    savemat(out / name / "joints.mat", {"joints": joints.astype(np.float32)}, do_compression=True)
    print(f"{name}: {len(rows)} photos")


if __name__ == "__main__":
    root, target = Path(sys.argv[1]), Path(sys.argv[2])
    webp_quality = int(sys.argv[3]) if len(sys.argv) > 3 else 76
    convert(root, target, "lsp", "im{:04d}.jpg", webp_quality)
    convert(root, target, "lspet", "im{:05d}.jpg", webp_quality)
