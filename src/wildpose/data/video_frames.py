"""Frames of a video as JPEG files, each whole or not there; what is there isn't decoded again."""

from collections.abc import Mapping
from pathlib import Path

import cv2

from wildpose.data.files import FETCH_AGAIN
from wildpose.errors import InputError
from wildpose.predict.file_kinds import check_video
from wildpose.write import whole_file

JPEG_QUALITY = 95


def extract_frames(video: Path, where: str, wanted: Mapping[int, Path]) -> int:
    """Write the wanted frames, numbered from 1; returns how many of the video's frames were read.

    The video is read in order up to the last wanted frame, as seeking is inexact. It may end earlier: then the frames
    after its end aren't written. Raises InputError if it can't be opened or shows nothing.
    """
    if not wanted:
        return 0
    try:
        check_video(video)
    except InputError as error:  # it speaks of the file, which may be a copy out of an archive
        raise InputError(f"a video at {where}", error.got, FETCH_AGAIN) from None
    capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened():
            raise InputError(f"a video at {where}", "a file that can't be opened", FETCH_AGAIN)
        number = 0
        while number < max(wanted) and capture.grab():
            number += 1
            if number in wanted:
                there, image = capture.retrieve()
                if not there:
                    raise InputError(f"frame {number} of {where}", "one that can't be decoded", FETCH_AGAIN)
                _write(wanted[number], image)
    finally:
        capture.release()
    if not number:
        raise InputError(f"frames in the video {where}", "none", FETCH_AGAIN)
    return number


def _write(path: Path, image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    with whole_file(path) as draft:
        draft.write_bytes(encoded.tobytes())
