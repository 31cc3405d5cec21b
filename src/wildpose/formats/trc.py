"""TRC, the marker file of OpenSim (and of Motion Analysis, whose format it is): tab-separated, mm, y up."""

from pathlib import Path

import numpy as np

from wildpose.formats.tracks import Track
from wildpose.skeleton import MPII16
from wildpose.write import whole_file


def write_trc(path: Path, track: Track, rate_hz: float) -> None:
    """The 16 joints as markers, relative to the pelvis. Where the person was not seen, a row's cells are empty."""
    count = len(track.time_s)
    rate = f"{rate_hz:.4f}"
    names = ("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units")
    original = ("OrigDataRate", "OrigDataStartFrame", "OrigNumFrames")
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", path.name.encode("utf-8", "replace").decode()],
        [*names, *original],
        [rate, rate, str(count), str(MPII16.n), "mm", rate, "1", str(count)],
        ["Frame#", "Time", *(cell for name in MPII16.joints for cell in (name, "", ""))],
        ["", "", *(f"{axis}{marker + 1}" for marker in range(MPII16.n) for axis in "XYZ")],
        [],
    ]
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines("\t".join(line) + "\n" for line in lines)
        for row, (time_s, joints_mm) in enumerate(zip(track.time_s, track.joints_mm, strict=True)):
            cells = ["" if np.isnan(value) else f"{value:.3f}" for value in joints_mm.reshape(-1).tolist()]
            file.write("\t".join([str(row + 1), f"{time_s:.4f}", *cells]) + "\n")
