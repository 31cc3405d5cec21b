"""All files of one recording, in the formats asked for."""

from collections.abc import Sequence
from pathlib import Path

from wildpose.errors import InputError
from wildpose.formats.bvh import write_bvh
from wildpose.formats.tables import write_csv, write_npz
from wildpose.formats.tracks import tracks
from wildpose.formats.trc import write_trc
from wildpose.write import Recording, write_json

WHOLE = {"json": write_json, "npz": write_npz, "csv": write_csv}
"""One file for everybody: STEM.json."""
BY_PERSON = {"trc": write_trc, "bvh": write_bvh}
"""One file a person: STEM_person0.trc."""


def check_formats(formats: Sequence[str]) -> None:
    """Raises InputError for a format that there isn't."""
    for name in formats:
        if name not in WHOLE and name not in BY_PERSON:
            raise InputError("formats out of " + ", ".join([*WHOLE, *BY_PERSON]), repr(name), "separate them by commas")


def save(recording: Recording, out: str | Path, stem: str, formats: Sequence[str] = ("json",)) -> list[Path]:
    """Write a recording into the folder `out`, made if missing; returns the files.

    formats: "json", "npz", "csv" (one file, STEM.json), "trc", "bvh" (one file a person, STEM_person0.trc).
    Raises InputError for another format, OSError if nothing can be written there.
    """
    check_formats(formats)
    Path(out).mkdir(parents=True, exist_ok=True)
    written = []
    for name in formats:
        if name in WHOLE:
            written.append(Path(out) / f"{stem}.{name}")
            WHOLE[name](written[-1], recording)
        else:
            for track in tracks(recording):
                written.append(Path(out) / f"{stem}_person{track.person}.{name}")
                BY_PERSON[name](written[-1], track, recording.rate_hz)
    return written
