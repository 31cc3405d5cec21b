"""How fast the readers and the loader are here; a script, not a test: `python tests/data/speed_of_readers.py --help`.

Each part runs in a process of its own, whose peak of resident memory is told with its time. Run it on an idle machine.
"""

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

TAKES, CAMERAS_EACH = 150, 4
"""Takes of the five training subjects, each seen by four cameras: 600 sequences."""


def write_big_index(root: Path, rows: int) -> None:
    """An index as `wildpose data prepare human36m` writes it, at stride 1: names as bytes, the rest float32."""
    from made_bodies import body, room_camera, seen

    from wildpose.data.human36m import ACTIONS, CAMERA_NAMES, SUBJECTS
    from wildpose.data.human36m_cameras import write_cameras

    cameras = {
        (subject, name): room_camera(name, around=0.3 + 1.4 * place, distortion=True)
        for subject in SUBJECTS["train"]
        for place, name in enumerate(CAMERA_NAMES)
    }
    each = rows // (TAKES * CAMERAS_EACH)
    sequences = [
        (subject, f"{subject}_{action}_{take}.{name}", name)
        for subject in SUBJECTS["train"]
        for action in ACTIONS
        for take in (1, 2)
        for name in CAMERA_NAMES
    ]
    folder = root / "annotation_body3d" / "stride1"
    folder.mkdir(parents=True)
    write_cameras(folder.parent / "cameras.json", cameras)
    turns = [seen(cameras["S1", n], body("H36M17", turned=0.4, at=(300.0, 500.0))) for n in CAMERA_NAMES]
    views = dict(zip(CAMERA_NAMES, turns, strict=True))
    ones = np.ones((17, 1))

    def names() -> Iterator[np.ndarray]:
        for subject, stem, _ in sequences:
            yield np.array([f"{subject}/{stem}/{stem}_{i + 1:06d}.jpg".encode() for i in range(each)], dtype="S68")

    def repeated(value: Callable[[str], np.ndarray]) -> Iterator[np.ndarray]:
        for _, _, camera in sequences:
            yield np.repeat(np.asarray(value(camera), np.float32)[None], each, 0)

    arrays = {
        "imgname": (names(), ()),
        "center": (repeated(lambda c: views[c][1].mean(0)), (2,)),
        "scale": (repeated(lambda c: np.float32(1.2 * np.ptp(views[c][1], axis=0).max() / 200)), ()),
        "part": (repeated(lambda c: np.concatenate([views[c][1], ones], 1)), (17, 3)),
        "S": (repeated(lambda c: np.concatenate([views[c][0] / 1000, ones], 1)), (17, 4)),
    }
    with zipfile.ZipFile(folder / "h36m_train.npz", "w", allowZip64=True) as archive:
        for name, (chunks, shape) in arrays.items():
            dtype = "|S68" if name == "imgname" else "<f4"
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                header = {"descr": dtype, "fortran_order": False, "shape": (each * len(sequences), *shape)}
                np.lib.format.write_array_header_1_0(file, header)
                for chunk in chunks:
                    file.write(np.ascontiguousarray(chunk).tobytes())


def open_index(root: Path) -> str:
    from wildpose.data.human36m import load_human36m

    people = load_human36m(root, "train", 1)
    return f"{len(people)} frames of Human3.6M's index"


def load_mpii_annotations(root: Path) -> str:
    from wildpose.data.mpii import load_mpii

    return f"{len(load_mpii(root, 'train+val'))} people of MPII"


def loader_rate(lsp: Path, lspet: Path, studio: Path, preset: str, batches: int) -> str:
    """Batches of a preset's phase 2, as one process of the trainer's loader makes them."""
    import cv2
    import torch

    from wildpose.config import PRESETS
    from wildpose.data.batches import Batches
    from wildpose.data.mix import build_data

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    config, data = PRESETS[preset], build_data(lsp, lspet, studio=studio)
    made = Batches(
        data.wild, data.studio, config.batch, config.pretrain_3d.batch_3d, config.model, config.augment, (0, 0)
    )
    made[0]
    start = time.perf_counter()
    for k in range(1, 1 + batches):
        made[k]
    seconds = time.perf_counter() - start
    return f"{batches * config.batch / seconds:.0f} images/s for {preset} made by one process of the loader"


def told(line: str, part: Callable, *args) -> None:
    """Run a part in a fresh process and print its result, time and memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result, seconds, cpu_seconds, megabytes = pool.apply(timed, (part, args))
    times = f"{seconds:.2f} s ({cpu_seconds:.2f} s of a core)"
    print(f"{line}: {result}, {times}, peak resident memory {megabytes:.0f} MB", flush=True)


def timed(part: Callable, args: tuple) -> tuple[str, float, float, float]:
    import wildpose.data.human36m_npz
    import wildpose.data.mpii  # noqa: F401  what is timed is the reading, not Python's imports

    start, cpu_start = time.perf_counter(), time.process_time()
    result = part(*args)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return result, seconds, cpu_seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpii", type=Path, help="folder of MPII: time to load all annotations")
    parser.add_argument("--rows", type=int, default=0, help="open a made-up Human3.6M index of so many rows (3600000)")
    parser.add_argument("--scratch", type=Path, help="where that index is written, 550 bytes a row")
    for name in ("lsp", "lspet", "studio"):
        parser.add_argument(f"--{name}", type=Path, help="folder; all three: images/s of the loader")
    parser.add_argument("--preset", default="small", help="whose batches the loader makes")
    parser.add_argument("--batches", type=int, default=30)
    given = parser.parse_args()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(json.dumps({"load averages": load, "cores": multiprocessing.cpu_count()}))
    if given.mpii:
        told("MPII", load_mpii_annotations, given.mpii)
    if given.rows:
        with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
            write_big_index(Path(folder), given.rows)
            told("Human3.6M", open_index, Path(folder))
    if given.lsp and given.lspet and given.studio:
        told("loader", loader_rate, given.lsp, given.lspet, given.studio, given.preset, given.batches)


if __name__ == "__main__":
    main()
