"""Writing a studio set: numbered shards and a manifest that says which are finished. The reader is
wildpose.data.studio."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from wildpose.data.studio import FORMAT, MANIFEST
from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.studio.files import make_folder, write_atomically
from wildpose.studio.people import traits
from wildpose.studio.shots import Shot, encode

SHARD_IMAGES = 250


def record(shot: Shot) -> dict[str, object]:
    """One sample's entries, as they stand in a shard."""
    truth, who = shot.truth, traits(shot.person.body, shot.person.look.tone)
    return {
        "jpeg": np.frombuffer(encode(shot.image), np.uint8),
        "joints_px": truth.joints_px.astype(np.float32),
        "joints_cam_mm": truth.joints_cam_mm.astype(np.float32),
        "in_image": truth.in_image,
        "occluded": truth.occluded,
        "K": truth.camera.K,
        "R": truth.camera.R,
        "t_mm": 1000 * truth.camera.t,
        "box_xywh": truth.box_xywh.astype(np.float32),
        "subject": shot.subject,
        "action": shot.action,
        "scene": shot.scene,
        "camera": np.int32(shot.camera),
        "frame": np.int32(shot.frame),
        **{name: np.float32(x) if isinstance(x, float) else x for name, x in vars(who).items()},
    }


def shard_bytes(records: list[dict], split: str) -> bytes:
    """The file of a shard; the same records give the same bytes."""
    sizes = [len(r["jpeg"]) for r in records]
    arrays = {
        "jpeg": np.concatenate([r["jpeg"] for r in records]),
        "jpeg_offsets": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        "split": np.array([split] * len(records)),
    }
    arrays |= {name: np.array([r[name] for r in records]) for name in records[0] if name != "jpeg"}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def new_manifest(kind: str, split: str, seed: int, images: int, size_px: int, sources: dict) -> dict:
    """Manifest of a set of which nothing is rendered yet."""
    return {
        "format": FORMAT,
        "kind": kind,
        "split": split,
        "seed": seed,
        "images": images,
        "size_px": size_px,
        "joints": list(MPII16.joints),
        "units": {
            "joints_px": "px, pixel centres at integers",
            "joints_cam_mm": "mm, camera axes +x right +y down +z away",
        },
        "sources": sources,
        "complete": False,
        "shards": [],
    }


def write_manifest(folder: Path, manifest: dict) -> None:
    """Replace the manifest in one step."""
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def start_writing(folder: Path, manifest: dict) -> None:
    """Make the folder, with a manifest, and clear away what a killed run had not finished writing."""
    make_folder(folder)
    for unfinished in folder.glob(".*.part"):
        unfinished.unlink()
    write_manifest(folder, manifest)


def resume_or_start(folder: Path, wanted: dict) -> dict:
    """The manifest to go on with: the folder's own if it is the same set, else a new one in an empty folder.

    Raises InputError if the folder holds something else. Shards that are missing or damaged are rendered again.
    """
    path = folder / MANIFEST
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(p.suffix != ".part" for p in folder.iterdir())):
            raise InputError(f"an empty folder or a studio set at {folder}", "other files", "choose another --out")
        return wanted
    try:
        found = json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"a manifest in {path}", "a file that is not JSON", "delete the folder and start again"
        ) from error
    for key in ("format", "kind", "split", "seed", "images", "size_px", "sources"):
        if not isinstance(found, dict) or found.get(key) != wanted[key]:
            got = found.get(key) if isinstance(found, dict) else type(found).__name__
            raise InputError(f"a set with {key} {wanted[key]} in {folder}", f"one with {got}", "choose another --out")
    sound = []
    for shard in found["shards"]:
        file = folder / shard["file"]
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != shard["sha256"]:
            break
        sound.append(shard)
    return found | {"shards": sound, "complete": found["complete"] and len(sound) == len(found["shards"])}
