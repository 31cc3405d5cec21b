"""What a browser may send: how much, and how its names of files are shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one request may ask for. `wildpose predict` knows no such limits."""

    upload_bytes: int = 500_000_000
    video_s: float = 120.0
    video_hz: float = 31.0
    """Of videos with more frames a second, every second, third ... frame is taken."""
    frames: int = 4000
    """Looked at of one video or webcam: files may lie about their length."""
    picture_bytes: int = 5_000_000
    """One picture of the webcam."""
    people: int = 10
    silence_s: float = 15.0
    """A webcam that has sent nothing for so long makes room for others."""


def display_name(given: str) -> str:
    """The client's name for a file, to be shown and never to be opened: its last part, printable, not too long."""
    last = given.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[-120:].strip() or "upload"
