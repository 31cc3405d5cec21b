"""What an earlier run wrote: neither read as somebody's photos, nor mistaken for ours when it is somebody's."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

PICTURE = re.compile(r"(.+)(?:_overlay\.jpg|_overlay\.webm|_sheet\.jpg)", re.DOTALL)
"""Pictures that `wildpose predict` writes, by the stem of their source."""
RESULT = re.compile(r"(.+?)(?:\.(?:json|npz|csv|html)|_person\d+\.(?:trc|bvh))", re.DOTALL)
"""What it writes beside them."""
FRAME = re.compile(r"\d{6,}\.jpg")
"""Overlays of a video's frames, in a folder of their own."""


def own_pictures(files: Iterable[Path]) -> set[Path]:
    """Those that an earlier run wrote: results of theirs lie beside them."""
    files = list(files)
    suspects = [(path, match[1]) for path in files if (match := PICTURE.fullmatch(path.name))]
    stems = {folder: _stems_with_results(folder) for folder in {path.parent for path, _ in suspects}}
    of_videos = {path.parent for path in files if FRAME.fullmatch(path.name)}
    of_videos = {folder for folder in of_videos if is_own_folder(folder)}
    pictures = {path for path, stem in suspects if stem in stems[path.parent]}
    return pictures | {path for path in files if path.parent in of_videos}


def is_own_folder(folder: Path) -> bool:
    """Whether it is one of overlays of a video: nothing else is in it, and the sheet that was written with them is
    beside it."""
    stem, mark, rest = folder.name.rpartition("_frames")
    if not mark or rest or not folder.with_name(f"{stem}_sheet.jpg").is_file():
        return False
    return all(FRAME.fullmatch(name) for name in os.listdir(folder))


def _stems_with_results(folder: Path) -> set[str]:
    return {match[1] for name in os.listdir(folder) if (match := RESULT.fullmatch(name))}
