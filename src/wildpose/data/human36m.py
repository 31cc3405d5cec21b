"""Human3.6M (Ionescu et al., PAMI 2014): seven subjects with public truth, four cameras, 50 frames a second.

The set itself may not be passed on: https://vision.imar.ro/human3.6m has it for academic use. Three layouts are read:
- an index of .npz files with cameras and images, as MMPose has it and `wildpose data prepare human36m` writes it
  (`human36m_npz.py`): annotation_body3d/*/h36m_{train,test}.npz, cameras.pkl or cameras.json, images/.
- the COCO-style triple of Moon et al. (`human36m_json.py`): annotations/Human36M_subject*_{data,camera,joint_3d}.json.
- what Zhou et al. (ICCV 2017) trained on (`human36m_h5.py`): annotSample{Train,Test}.h5 and 224 px crops.
"""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from wildpose.data.sample import SampleSet
from wildpose.errors import InputError
from wildpose.skeleton import H36M17, MPII16, convert

Split = Literal["train", "test", "train+test"]
SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
"""Who trains and who tests, in both protocols."""
ACTIONS = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting"),
    *("SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether"),
)
"""The fifteen actions in the order of the tables."""
OTHER_NAMES = {"TakingPhoto": "Photo", "WalkingDog": "WalkDog", "WalkingTogether": "WalkTogether"}
ACTION_OF_NUMBER = dict(
    enumerate(
        (
            *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting"),
            *("SittingDown", "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether"),
        ),
        start=2,
    )
)
"""Actions by their number in the official release; 1 is a take that nobody uses."""
CAMERA_NAMES = ("54138969", "55011271", "58860488", "60457274")
FRAME_RATE = 50
USUAL_STRIDE = {"train": 5, "test": 64}
"""Every which of the 50 frames a second: what prior work trains on and tests on."""
PAGE = "https://vision.imar.ro/human3.6m"


class Sequence(NamedTuple):
    """One take seen by one camera."""

    subject: str
    """S1 to S11."""
    action: str
    """One of ACTIONS."""
    subaction: int
    """First or second take; where names follow the official files', their number (any), 0 for a name without one."""
    camera: str
    """One of CAMERA_NAMES."""

    @property
    def name(self) -> str:
        """As files are called: S1_Directions_1.54138969."""
        return f"{self.subject}_{self.action}_{self.subaction}.{self.camera}"


CORRUPT = Sequence("S11", "Directions", 2, "54138969")
"""Its video is damaged in the official release; everyone leaves it out."""
_UNNUMBERED_CORRUPT = CORRUPT._replace(subaction=0)


def is_corrupt(sequence: Sequence) -> bool:
    """Whether it's the damaged one: the official file is called `Directions.54138969`, without a number, and the
    second take in the official list."""
    return sequence in (CORRUPT, _UNNUMBERED_CORRUPT)


def subjects_of(split: Split) -> tuple[str, ...]:
    """The subjects of a split."""
    return SUBJECTS["train"] + SUBJECTS["test"] if split == "train+test" else SUBJECTS[split]


def to_mpii16(joints17: Float[np.ndarray, "*batch 17 D"]) -> Float[np.ndarray, "*batch 16 D"]:
    """The usual 17 joints by name to MPII16; the mid-spine stands for the thorax, as in Zhou et al."""
    return convert(joints17, H36M17, MPII16)[0]


def find_human36m(root: Path) -> dict[str, list[Path]]:
    """The annotation files under a folder, by layout."""
    found = {
        "npz": sorted([*root.glob("annotation_body3d/*/h36m_*.npz"), *root.glob("annotation_body3d/h36m_*.npz")]),
        "json": sorted(root.glob("annotations/Human36M_subject*_data.json")),
        "h5": sorted([*root.glob("annotSample*.h5"), *root.glob("annot/annotSample*.h5")]),
    }
    return {layout: paths for layout, paths in found.items() if paths}


def holds(root: Path, split: Literal["train", "test"]) -> bool:
    """Whether the layout that is read has any file of that split."""
    found = find_human36m(root)
    if not found:
        return False
    layout = next(iter(found))
    signs = {
        "npz": (f"h36m_{split}.npz",),
        "json": tuple(f"Human36M_subject{subject[1:]}_data.json" for subject in SUBJECTS[split]),
        "h5": (f"annotSample{split.capitalize()}.h5",),
    }
    return any(path.name in signs[layout] for path in found[layout])


def usual_stride(root: Path, split: Literal["train", "test"]) -> int:
    """USUAL_STRIDE; of the ICCV 2017 files, which hold every fifth frame of both splits, that; to train on, that of an
    index whose frames are farther apart than usual."""
    found = find_human36m(root)
    usual = USUAL_STRIDE["train" if list(found) == ["h5"] else split]
    if split == "test" or "npz" not in found:
        return usual
    from wildpose.data.human36m_npz import stored_stride

    stored = [stored_stride(path) for path in found["npz"] if path.name == "h36m_train.npz"]
    return usual if not stored or any(usual % step == 0 for step in stored) else min(stored)


def load_human36m(root: str | Path, split: Split, stride: int | None = None) -> SampleSet:
    """Human3.6M in whichever of the three layouts the folder holds, every `stride`-th of the 50 frames a second.

    Without a stride all frames that the layout holds. Raises InputError for a folder without any layout, for files
    that are missing or damaged, and for a stride that the stored frames don't contain.
    """
    root = Path(root)
    found = find_human36m(root)
    if "npz" in found:
        from wildpose.data.human36m_npz import Human36mIndex

        return Human36mIndex(root, split, stride)
    if "json" in found:
        from wildpose.data.human36m_json import load_json

        return load_json(root, split, stride)
    if "h5" in found:
        from wildpose.data.human36m_h5 import load_h5

        return load_h5(root, split, stride)
    names = "annotation_body3d/*/h36m_*.npz, annotations/Human36M_subject*_data.json or annotSample*.h5"
    fix = "`wildpose data prepare human36m` makes the first from the official archives"
    raise InputError(f"Human3.6M in {root} ({names})", "none of them", fix)
