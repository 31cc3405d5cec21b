"""Damaged, lying and oversized files through `wildpose predict`, a process each: time, memory and manners of each.

    python tests/predict/fuzz.py 200 7

makes 200 files from seed 7 (and a few very large ones that are sound), and fails if one ends in a traceback, takes more
than two minutes or more than 2 GB.
"""

import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from fake_detector import write_fake_detector
from fake_weights import draw_person, write_fake_weights

MOST_S, MOST_MB = 120, 2000
SUFFIXES = (".jpg", ".png", ".webp", ".tiff", ".bmp", ".mp4", ".avi", ".webm")
CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".webm": "VP80"}


def sound_files(folder: Path) -> dict[str, bytes]:
    """A small whole file of each kind, with a dotted person in it."""
    image = np.zeros((140, 210, 3), np.uint8)
    draw_person(image, (75, 20, 65, 100))
    whole = {suffix: cv2.imencode(suffix, image)[1].tobytes() for suffix in SUFFIXES if suffix not in CODECS}
    for suffix, codec in CODECS.items():
        writer = cv2.VideoWriter(str(folder / f"v{suffix}"), cv2.VideoWriter_fourcc(*codec), 10.0, (210, 140))
        for _ in range(4):
            writer.write(image)
        writer.release()
        whole[suffix] = (folder / f"v{suffix}").read_bytes()
    return whole


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, rows: int, depth: int = 1, color: int = 0) -> bytes:
    """A black PNG that claims a size and holds so many rows."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    row = b"\0" * (1 + -(-width * depth * channels // 8))
    packer = zlib.compressobj(1)
    data = b"".join([packer.compress(row) for _ in range(rows)] + [packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def _patched(content: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    at = content.index(mark) + offset
    return content[:at] + value + content[at + len(value) :]


def bombs(whole: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """A few bytes that claim a picture of gigabytes, or text of gigabytes beside one."""
    wide = struct.pack(">HH", 30000, 30000)
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 50_000_000, 9))
    return [
        (".png", png(30000, 30000, 40)),
        (".png", png(2**31 - 1, 2**31 - 1, 1)),
        (".png", whole[".png"][:33] + text + whole[".png"][33:]),
        (".jpg", _patched(whole[".jpg"], b"\xff\xc0", 5, wide)),
        (".jpg", _patched(whole[".jpg"], b"\xff\xc0", 5, struct.pack(">HH", 14000, 14000))),
        (".bmp", _patched(whole[".bmp"], b"BM", 18, struct.pack("<ii", 30000, -30000))),
        (".bmp", _patched(whole[".bmp"], b"BM", 18, struct.pack("<ii", 14000, 7000))),
        (".webp", _patched(whole[".webp"], b"VP8L", 9, struct.pack("<I", 16382 | 16382 << 14))),
        (".webp", _patched(whole[".webp"], b"VP8L", 9, struct.pack("<I", 9990 | 9990 << 14))),
    ]


def liars(whole: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Videos whose headers state another length, size or rate than their frames have."""
    avi, huge = whole[".avi"], struct.pack("<I", 2**31 - 1)
    longer = _patched(_patched(avi, b"avih", 24, huge), b"strh", 40, huge)
    return [
        (".avi", longer),
        (".avi", _patched(longer, b"avih", 8, struct.pack("<I", 0))),
        (".avi", _patched(avi, b"strf", 12, struct.pack("<ii", 30000, 30000))),
        (".avi", _patched(avi, b"strf", 12, struct.pack("<ii", 8000, 8000))),
        (".avi", _patched(avi, b"strh", 28, struct.pack("<II", 0, 0))),
        (".avi", _patched(avi, b"strh", 28, struct.pack("<II", 1, 2**31 - 1))),
        (".mp4", _patched(whole[".mp4"], b"stts", 12, struct.pack(">I", 2**31 - 1))),
        (".mp4", _patched(whole[".mp4"], b"mvhd", 16, struct.pack(">II", 1, 2**31 - 1))),
    ]


def damaged(content: bytes, how: str, random: np.random.Generator) -> bytes:
    """A file cut off somewhere, with some bits flipped, or both."""
    if how != "flipped":
        content = content[: random.integers(1, len(content))]
    spoiled = bytearray(content)
    for _ in range(random.integers(1, 12) if how != "truncated" else 0):
        spoiled[random.integers(0, len(spoiled))] ^= 1 << random.integers(0, 8)
    return bytes(spoiled)


def make_inputs(folder: Path, count: int, seed: int) -> list[tuple[str, Path]]:
    """(kind of damage, file) of so many files; all of the bombs and liars are among them if there are 40 or more."""
    random, whole = np.random.default_rng(seed), sound_files(folder)
    made = [("bomb", *one) for one in bombs(whole)] + [("liar", *one) for one in liars(whole)]
    made = [made[k] for k in random.permutation(len(made))[: max(2, count * 2 // 5)]]
    kinds = ("truncated", "flipped", "truncated and flipped", "wrong ending", "zeros", "noise")
    while len(made) < count:
        how = kinds[len(made) % len(kinds)]
        suffix, other = (SUFFIXES[k] for k in random.permutation(len(SUFFIXES))[:2])
        content = whole[suffix]
        if how == "wrong ending":
            content = whole[other]
        elif how in ("zeros", "noise"):
            size = int(random.choice([0, 1, 7, 300, 20_000]))
            content = bytes(size) if how == "zeros" else random.bytes(size)
        else:
            content = damaged(content, how, random)
        made.append((how, suffix, content))
    paths = []
    for k, (how, suffix, content) in enumerate(made):
        paths.append((how, folder / f"{k:03d}{suffix}"))
        paths[-1][1].write_bytes(content)
    return paths


def large_inputs(folder: Path) -> list[tuple[str, Path]]:
    """Sound photos near the limits of what is read."""
    large = {"grey.png": png(14000, 14000, 14000), "alpha16.png": png(10000, 9990, 9990, 16, 6)}
    noise = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    tiles = np.tile(noise, (14, 14, 1))
    large["sequential.jpg"] = cv2.imencode(".jpg", tiles, [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes()
    options = [cv2.IMWRITE_JPEG_QUALITY, 40, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    large["progressive.jpg"] = cv2.imencode(".jpg", tiles[:9990, :10000], options)[1].tobytes()
    del tiles
    for name, content in large.items():
        (folder / name).write_bytes(content)
    return [("large", folder / name) for name in large]


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    code: int
    said: str
    seconds: float
    peak_mb: float

    @property
    def fault(self) -> str | None:
        """What is wrong with it; None: a result, or an error in one line."""
        if self.seconds > MOST_S:
            return f"took more than {MOST_S} s"
        if "Traceback" in self.said or self.code not in (0, 2):
            return f"exit code {self.code}: {self.said[-500:]}"
        if self.code == 2 and not self.said.strip().splitlines()[-1].startswith("error: "):
            return f"no clear error: {self.said[-500:]}"
        return f"took {self.peak_mb:.0f} MB" if self.peak_mb > MOST_MB else None


def run(path: Path, weights: str, detector: str, out: Path) -> Outcome:
    """`wildpose predict` on one file in a process of its own."""
    args = ["predict", str(path), "--out", str(out), "--weights", weights, "--detector", detector, "--html"]
    args += ["--format", "json,npz,csv,trc,bvh"]
    code, begun = "import sys; from wildpose.cli import main; main(sys.argv[1:])", time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-c", code, *args], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(MOST_S + 5, child.kill)
    watchdog.start()
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    watchdog.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return Outcome(child.returncode, said, time.monotonic() - begun, used.ru_maxrss / 1024)


def main(count: int, seed: int) -> int:
    """Runs them all; how many behaved badly."""
    tally, faults, peak, slowest = Counter(), 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = str(write_fake_weights(folder / "dots.onnx"))
        detector = str(write_fake_detector(folder / "finds.onnx"))
        (folder / "in").mkdir()
        for how, path in make_inputs(folder / "in", count, seed) + large_inputs(folder / "in"):
            outcome = run(path, weights, detector, folder / "out")
            tally[how, "result" if outcome.code == 0 else "error"] += 1
            peak, slowest = max(peak, outcome.peak_mb), max(slowest, outcome.seconds)
            if how == "large":
                print(f"{path.name}: {outcome.peak_mb:.0f} MB, {outcome.seconds:.1f} s, exit code {outcome.code}")
            if outcome.fault:
                faults += 1
                print(f"{how}: {path.name}: {outcome.fault}")
    for (how, ending), number in sorted(tally.items()):
        print(f"{number:4d}  {how}: {ending}")
    print(f"{sum(tally.values())} files, {faults} faults, peak {peak:.0f} MB, slowest {slowest:.1f} s")
    return faults


if __name__ == "__main__":
    sys.exit(1 if main(*map(int, (sys.argv[1:] + ["200", "7"][len(sys.argv) - 1 :]))) else 0)
