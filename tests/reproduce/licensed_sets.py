"""Human3.6M, MPII and MPI-INF-3DHP with the real schema, a few frames each, in the folders of --data-root."""

from pathlib import Path

import numpy as np
from made_3dhp import FRAMES, VALID, write_test
from made_human36m import write_index, write_photo
from made_mpii import write_bearpaw, write_validation

from wildpose.data.human36m import SUBJECTS


def write_licensed(root: Path) -> None:
    for split in ("train", "test"):
        index = write_index(root / "human36m", split=split, subjects=SUBJECTS[split])
        for name in np.load(index)["imgname"].tolist():
            write_photo(root / "human36m" / "images" / name, 200)
    (root / "mpii").mkdir()
    write_bearpaw(root / "mpii")
    write_validation(root / "mpii" / "gt_valid.mat")
    for person in range(3):
        write_photo(root / "mpii" / "images" / f"{person:09d}.jpg", 100)
    write_test(root / "mpi_inf_3dhp")
    for k in range(1, 7):
        valid = np.flatnonzero(VALID.get(f"TS{k}", [1] * FRAMES))
        for frame in valid + 1:
            folder = root / "mpi_inf_3dhp" / "mpi_inf_3dhp_test_set" / f"TS{k}" / "imageSequence"
            write_photo(folder / f"img_{frame:06d}.jpg", 150)
