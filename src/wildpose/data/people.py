"""A data set as arrays. Annotations are whole without a single image, so that given detections can be scored."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from wildpose.data.sample import Camera, Sample, read_photo, require_photos
from wildpose.skeleton import MPII16

HIPS = [MPII16.index("right_hip"), MPII16.index("left_hip")]
PELVIS = MPII16.index("pelvis")


@dataclass(frozen=True)
class People:
    """N people, one a row, each in an image; several rows may share one."""

    root: Path
    """Folder that the image paths start from."""
    images: Shaped[np.ndarray, " N"]
    """Paths under the root, str."""
    joints_px: Float[np.ndarray, "N 16 2"]
    """In the image, 0-based; NaN where there is no label."""
    mask: Bool[np.ndarray, "N 16"]
    """Whether a joint is labelled."""
    boxes_xywh: Float[np.ndarray, "N 4"]
    """Around the person, px."""
    joints_cam_mm: Float[np.ndarray, "N 16 3"] | None = None
    """Camera frame, mm, NaN for joints that the data set lacks; None for 2D labels only."""
    subject: Shaped[np.ndarray, " N"] | None = None
    action: Shaped[np.ndarray, " N"] | None = None
    cameras: tuple[Camera, ...] = ()
    camera: Int[np.ndarray, " N"] | None = None
    """Place of each row's camera in `cameras`."""

    def __len__(self) -> int:
        return len(self.images)

    def path(self, i: int) -> Path:
        """Where the image of row i is."""
        return self.root / str(self.images[i])

    def load(self, i: int) -> Sample:
        """Row i with its image; InputError names an image that is missing or damaged."""
        return Sample(
            read_photo(self.path(i)),
            self.joints_px[i],
            self.mask[i],
            self.boxes_xywh[i],
            None if self.joints_cam_mm is None else self.joints_cam_mm[i],
            None if self.camera is None else self.cameras[int(self.camera[i])],
            "" if self.subject is None else str(self.subject[i]),
            "" if self.action is None else str(self.action[i]),
            self.path(i),
        )

    def take(self, rows: Int[np.ndarray, " M"]) -> "People":
        """Those rows, in that order."""
        n = len(self)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("root", "cameras")}
        return replace(self, **{name: a[rows] for name, a in arrays.items() if a is not None and len(a) == n})

    def with_pelvis(self) -> "People":
        """For training: where the pelvis has no label and both hips have one, it lies halfway between them."""
        joints_px = self.joints_px.copy()
        unknown = ~self.mask[:, PELVIS]
        joints_px[unknown, PELVIS] = joints_px[unknown][:, HIPS].mean(1)
        return replace(self, joints_px=joints_px, mask=np.isfinite(joints_px).all(-1))

    def require_images(self) -> "People":
        """Itself, if every image is there, loose or packed; else InputError with the first five that are not."""
        require_photos((self.path(i) for i in range(len(self))), self.root)
        return self
