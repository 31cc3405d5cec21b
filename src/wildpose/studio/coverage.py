"""How well the rendered poses cover those of real photos: directions of limbs in the picture, and nearest whole
poses."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.studio.files import write_atomically

LIMBS = (
    ("pelvis", "upper_neck"),
    ("upper_neck", "head_top"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_elbow", "right_wrist"),
    ("left_hip", "left_knee"),
    ("right_hip", "right_knee"),
    ("left_knee", "left_ankle"),
    ("right_knee", "right_ankle"),
)
BINS = 24
_LIMB_JOINTS = sorted({joint for limb in LIMBS for joint in limb} - {"pelvis", "upper_neck"})


@dataclass(frozen=True)
class Coverage:
    """Rendered poses held against photos' poses."""

    rendered: Float[np.ndarray, "10 24"]
    """Share of the rendered poses in each of 24 directions, per limb; row sums 1. Bin 0 begins at +x, turning to +y."""
    photos: Float[np.ndarray, "10 24"]
    overlap: Float[np.ndarray, " 10"]
    """Shared part of the two distributions of each limb, 0 to 1."""
    nearest: Float[np.ndarray, " N"]
    """Per photo, mean joint distance to the nearest rendered pose in torso lengths (pelvis to neck, both at the
    pelvis)."""


def compare(rendered_px: Float[np.ndarray, "M 16 2"], photos_px: Float[np.ndarray, "N 16 2"]) -> Coverage:
    """Coverage of fully labelled photos by rendered poses; InputError if there are too few of either."""
    rendered_px, photos_px = (_complete(poses) for poses in (rendered_px, photos_px))
    for name, poses in (("rendered", rendered_px), ("photos'", photos_px)):
        if len(poses) < 10:
            raise InputError(f"at least 10 {name} poses with all joints", str(len(poses)), "give a larger set")
    ours, theirs = directions(rendered_px), directions(photos_px)
    return Coverage(ours, theirs, np.minimum(ours, theirs).sum(1), _nearest(rendered_px, photos_px))


def directions(poses_px: Float[np.ndarray, "N 16 2"]) -> Float[np.ndarray, "10 24"]:
    """Distribution of each limb's direction in the picture."""
    out = []
    for near, far in MPII16.pairs(LIMBS):
        along = poses_px[:, far] - poses_px[:, near]
        bins = (np.arctan2(along[:, 1], along[:, 0]) % (2 * np.pi) / (2 * np.pi) * BINS).astype(int) % BINS
        out.append(np.bincount(bins, minlength=BINS) / len(bins))
    return np.array(out)


def _complete(poses_px: np.ndarray) -> np.ndarray:
    """Poses with all joints of LIMBS; the pelvis is the midpoint of the hips where it is not labelled."""
    poses = np.array(poses_px, float)
    hips = poses[:, [MPII16.index("left_hip"), MPII16.index("right_hip")]].mean(1)
    poses[:, MPII16.index("pelvis")] = hips
    needed = [MPII16.index(joint) for joint in ("pelvis", "upper_neck", *_LIMB_JOINTS)]
    torso = np.linalg.norm(poses[:, MPII16.index("upper_neck")] - hips, axis=1)
    return poses[np.isfinite(poses[:, needed]).all((1, 2)) & (torso > 2)]


def _normal(poses: np.ndarray) -> np.ndarray:
    centre = poses[:, [MPII16.index("pelvis")]]
    torso = np.linalg.norm(poses[:, [MPII16.index("upper_neck")]] - centre, axis=2, keepdims=True)
    return ((poses - centre) / torso)[:, [MPII16.index(joint) for joint in _LIMB_JOINTS]]


def _nearest(rendered: np.ndarray, photos: np.ndarray) -> np.ndarray:
    ours = _normal(rendered).astype(np.float32)
    return np.array([np.linalg.norm(ours - pose, axis=2).mean(1).min() for pose in _normal(photos).astype(np.float32)])


def draw(coverage: Coverage, out: Path, title: str) -> None:
    """Write a picture: per limb a polar histogram of its direction, rendered against photos."""
    if out.suffix.lower() not in (".png", ".jpg", ".svg", ".pdf"):
        raise InputError("a picture file to write (.png, .jpg, .svg or .pdf)", str(out), "choose another --picture")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 5, figsize=(12, 5.6), subplot_kw={"projection": "polar"})
    middle = (np.arange(BINS + 1) + 0.5) * 2 * np.pi / BINS
    for i, (axis, (near, far)) in enumerate(zip(axes.ravel(), LIMBS, strict=True)):
        for rows, label, color in ((coverage.photos, "photos", "0.3"), (coverage.rendered, "rendered", "tab:orange")):
            axis.plot(middle, np.append(rows[i], rows[i, 0]), color=color, label=label)
        axis.set_theta_direction(-1)  # y grows downwards in pictures
        axis.set_yticklabels([])
        axis.tick_params(labelsize=6)
        axis.set_title(f"{near} to {far}\noverlap {coverage.overlap[i]:.2f}", fontsize=8)
    axes[0, 0].legend(loc="lower left", fontsize=7, bbox_to_anchor=(-0.35, -0.2))
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    picture = io.BytesIO()
    figure.savefig(picture, dpi=80, format=out.suffix[1:].lower())
    pyplot.close(figure)
    write_atomically(out, picture.getvalue())
