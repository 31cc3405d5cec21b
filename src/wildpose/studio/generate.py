"""Rendering a whole set: any number of workers, the same bytes; goes on after a kill."""

import hashlib
import multiprocessing
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from wildpose.errors import InputError
from wildpose.studio import protocol
from wildpose.studio.files import write_atomically
from wildpose.studio.motion import load_motion
from wildpose.studio.panoramas import PACK, panorama_files
from wildpose.studio.scene import load_panoramas
from wildpose.studio.shards import (
    SHARD_IMAGES,
    new_manifest,
    record,
    resume_or_start,
    shard_bytes,
    start_writing,
    write_manifest,
)
from wildpose.studio.shots import World, make_world, shoot

BYTES_PER_IMAGE, BYTES_PER_PIXEL = 2000, 0.135
"""Measured size of a stored picture with its truth, at 64 and at 256 px, for the disk estimate."""


def generate(
    kind: str,
    out: Path | str,
    images: int,
    seed: int,
    workers: int = 1,
    split: str = "train",
    motion: Path | str | None = None,
    panoramas: Path | str | None = None,
    size_px: int = 256,
    progress: bool = True,
) -> Path:
    """Render a set of `kind` "studio" or "outdoor" into `out`, go on with a partial one, or leave a finished one alone.

    The same arguments give the same bytes whatever `workers` is. motion: a folder of .bvh, .amc or DeepMimic files
    (without one, all poses are drawn by poses.sample_pose); panoramas: a folder of .hdr or .npz (without one, outdoor
    takes the pack that ships with the package). Returns the folder. Raises InputError for arguments out of range,
    unusable files or folders, or a full disk.
    """
    out = Path(out)
    _check(kind, split, images, seed, workers, size_px)
    motion = Path(motion) if motion else None
    panoramas = Path(panoramas or PACK) if kind == "outdoor" else None
    sources = {
        "motion": _digest(motion, motion.rglob("*")) if motion else "none",
        "panoramas": _digest(panoramas, panorama_files(panoramas)) if panoramas else "none",
    }
    manifest = resume_or_start(out, new_manifest(kind, split, seed, images, size_px, sources))
    if manifest["complete"]:
        return out
    clips = load_motion(motion) if motion else []
    world = make_world(kind, split, seed, size_px, clips, load_panoramas(panoramas) if panoramas else [])
    if clips:
        _check_motion(world, motion, len(clips), progress)
    done = sum(shard["images"] for shard in manifest["shards"])
    _check_disk(out, (images - done) * (BYTES_PER_IMAGE + size_px**2 * BYTES_PER_PIXEL), progress)
    start_writing(out, manifest)
    records: list[dict] = []
    rendered = _records(world, range(done, images), workers)
    pause_s = 0.5 if sys.stderr.isatty() else 30.0  # in a log file every update is a line
    for entry in tqdm(rendered, f"{kind} {split}", images, initial=done, unit="img", mininterval=pause_s,
                      disable=not progress):  # fmt: skip
        records.append(entry)
        done += 1
        if len(records) == SHARD_IMAGES or done == images:
            _finish_shard(out, manifest, records, done == images)
            records = []
    return out


def _check(kind: str, split: str, images: int, seed: int, workers: int, size_px: int) -> None:
    if kind not in protocol.KINDS or split not in protocol.SPLITS:
        raise InputError("kind studio or outdoor and split train or test", f"{kind} {split}", "choose one of these")
    for name, value, low, high in (
        ("images", images, 1, 10_000_000),
        ("seed", seed, 0, 2**32 - 1),
        ("workers", workers, 1, 256),
        ("size_px", size_px, 64, 1024),
    ):
        if not low <= value <= high:
            raise InputError(f"{name} from {low} to {high}", str(value), f"choose another {name}")


def _check_motion(world: World, motion: Path, count: int, progress: bool) -> None:
    """Say how many clips serve this set: a file's name decides, and without this a user's few might go unused."""
    used = {action: len(clips) for action, clips in world.clips.items()}
    if not used:
        expected = f"motion files in {motion} that serve {world.kind} {world.split}"
        raise InputError(expected, f"{count} that serve others",
                         "add some or name them otherwise: a file's name decides its split")  # fmt: skip
    if progress:
        actions = ", ".join(f"{action} {number}" for action, number in sorted(used.items()))
        print(f"{motion}: {sum(used.values())} of {count} clips serve this set: {actions}", file=sys.stderr)


def _check_disk(out: Path, needed: float, progress: bool) -> None:
    free = shutil.disk_usage(next(folder for folder in (out, *out.absolute().parents) if folder.exists())).free
    if needed * 1.05 > free:
        raise InputError(
            f"{needed * 1.05 / 1e6:.1f} MB free for {out}", f"{free / 1e6:.1f} MB", "free some space or render fewer"
        )
    if progress:
        print(f"{out}: about {needed / 1e6:.0f} MB to write, {free / 1e9:.1f} GB free", file=sys.stderr)


def _digest(folder: Path, files: Iterable[Path]) -> str:
    """Names and sizes of an input folder's files in one word, so that a set is only ever resumed with the same ones."""
    if not folder.is_dir():
        raise InputError("a folder", str(folder), "check the path")
    entries = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in files if p.is_file())
    return hashlib.sha256(repr(entries).encode()).hexdigest()[:16]


def _finish_shard(out: Path, manifest: dict, records: list[dict], last: bool) -> None:
    data = shard_bytes(records, manifest["split"])
    name = f"shard-{len(manifest['shards']):05d}.npz"
    write_atomically(out / name, data)
    entry = {"file": name, "images": len(records), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["shards"] = [*manifest["shards"], entry]
    manifest["complete"] = last
    write_manifest(out, manifest)


def _records(world: World, indices: range, workers: int) -> Iterator[dict]:
    """Finished samples in order."""
    if workers == 1:
        with threadpool_limits(1):
            yield from (record(shoot(world, index)) for index in indices)
        return
    # spawn: a fork of a process that has used torch's threads can hang
    with multiprocessing.get_context("spawn").Pool(workers, _start_worker, (world,)) as pool:
        yield from pool.imap(_work, indices, chunksize=4)


_WORKER: dict[str, World] = {}


def _start_worker(world: World) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that writes; it ends its workers
    cv2.setNumThreads(1)
    threadpool_limits(1)  # a second BLAS thread waits for work in a busy loop: 50 ms of CPU a picture in place of 31
    _WORKER["world"] = world


def _work(index: int) -> dict:
    return record(shoot(_WORKER["world"], index))
