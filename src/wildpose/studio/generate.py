"""Rendering a whole set: any number of workers, the same bytes; goes on after a kill."""

import hashlib
import multiprocessing
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
from tqdm import tqdm

from wildpose.errors import InputError
from wildpose.studio import protocol
from wildpose.studio.motion import load_motion
from wildpose.studio.scene import load_panoramas
from wildpose.studio.shards import (
    SHARD_IMAGES,
    new_manifest,
    record,
    resume_or_start,
    shard_bytes,
    write_atomically,
    write_manifest,
)
from wildpose.studio.shots import World, make_world, shoot

BYTES_PER_PIXEL = 0.16
"""Measured size of a stored picture with its truth, for the disk estimate."""


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
    (without one, all poses are drawn by poses.sample_pose); panoramas: a folder of .npz (without one, invented ones).
    Returns the folder. Raises InputError for arguments out of range, an unusable folder or a full disk.
    """
    out = Path(out)
    _check(kind, split, images, seed, workers, size_px)
    inputs = tuple(Path(folder) if folder else None for folder in (motion, panoramas))
    sources = {name: _digest(folder) for name, folder in zip(("motion", "panoramas"), inputs, strict=True)}
    manifest = resume_or_start(out, new_manifest(kind, split, seed, images, size_px, sources))
    if manifest["complete"]:
        return out
    done = sum(shard["images"] for shard in manifest["shards"])
    _check_disk(out, (images - done) * size_px**2 * BYTES_PER_PIXEL, progress)
    if not (out / "manifest.json").exists():
        write_manifest(out, manifest)
    records: list[dict] = []
    rendered = _records((kind, split, seed, size_px, *inputs), range(done, images), workers)
    for entry in tqdm(rendered, total=images, initial=done, unit="img", desc=f"{kind} {split}", disable=not progress):
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


def _check_disk(out: Path, needed: float, progress: bool) -> None:
    free = shutil.disk_usage(out).free
    if needed * 1.05 > free:
        raise InputError(
            f"{needed / 1e6:.0f} MB free for {out}", f"{free / 1e6:.0f} MB", "free some space or render fewer"
        )
    if progress:
        print(f"{out}: about {needed / 1e6:.0f} MB to write, {free / 1e9:.1f} GB free", file=sys.stderr)


def _digest(folder: Path | None) -> str:
    """Names and sizes of an input folder's files in one word, so that a set is only ever resumed with the same ones."""
    if folder is None:
        return "none"
    if not folder.is_dir():
        raise InputError("a folder", str(folder), "check the path")
    entries = sorted((str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(repr(entries).encode()).hexdigest()[:16]


def _finish_shard(out: Path, manifest: dict, records: list[dict], last: bool) -> None:
    data = shard_bytes(records, manifest["split"])
    name = f"shard-{len(manifest['shards']):05d}.npz"
    write_atomically(out / name, data)
    entry = {"file": name, "images": len(records), "sha256": hashlib.sha256(data).hexdigest()}
    manifest["shards"] = [*manifest["shards"], entry]
    manifest["complete"] = last
    write_manifest(out, manifest)


def _records(settings: tuple, indices: range, workers: int) -> Iterator[dict]:
    """Finished samples in order."""
    if workers == 1:
        world = _world(*settings)
        yield from (record(shoot(world, index)) for index in indices)
        return
    # spawn: a fork of a process that has used torch's threads can hang
    with multiprocessing.get_context("spawn").Pool(workers, _start_worker, settings) as pool:
        yield from pool.imap(_work, indices, chunksize=4)


_WORKER: dict[str, World] = {}


def _start_worker(*settings) -> None:
    cv2.setNumThreads(1)
    _WORKER["world"] = _world(*settings)


def _work(index: int) -> dict:
    return record(shoot(_WORKER["world"], index))


def _world(kind: str, split: str, seed: int, size_px: int, motion: Path | None, panoramas: Path | None) -> World:
    clips = load_motion(motion) if motion else []
    backgrounds = load_panoramas(panoramas) if panoramas and kind == "outdoor" else []
    return make_world(kind, split, seed, size_px, clips, backgrounds)
