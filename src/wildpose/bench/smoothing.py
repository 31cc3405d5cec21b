"""What smoothing takes away and what it costs: jitter, error and lag on made-up motion whose truth is known, and jitter
on a video of yours."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from wildpose.bench.clock import FORMAT
from wildpose.predict.smooth import STATURE_MM, Moment, Smoothing, from_both_sides
from wildpose.skeleton import MPII16

FIGURE_MM = {
    "pelvis": (0, 0, 0), "thorax": (0, -480, 0), "upper_neck": (0, -560, 0), "head_top": (0, -780, 0),
    "right_hip": (-120, 0, 0), "right_knee": (-130, 440, 0), "right_ankle": (-130, 870, 40),
    "left_hip": (120, 0, 0), "left_knee": (130, 440, 0), "left_ankle": (130, 870, 40),
    "right_shoulder": (-180, -470, 0), "right_elbow": (-220, -200, 0), "right_wrist": (-230, 50, 0),
    "left_shoulder": (180, -470, 0), "left_elbow": (220, -200, 0), "left_wrist": (230, 50, 0),
}  # fmt: skip
"""Standing, mm from the pelvis, camera axes."""
SWING_MM = {"ankle": 300.0, "knee": 160.0, "wrist": 260.0, "elbow": 110.0}
"""Amplitude of a step, forward and back; legs and arms against each other."""
MOTIONS = {"standing": 0.0, "walking, 1 step/s": 0.5, "running, 3 steps/s": 1.5}
"""Strides a second."""


def made_up_motion(stride_hz: float, rate_hz: float, seconds: float) -> Float[np.ndarray, "T 16 3"]:
    """A figure that strides on the spot, mm from the pelvis. The swing bears an overtone, as real steps do."""
    phase = 2 * np.pi * stride_hz * np.arange(round(seconds * rate_hz)) / rate_hz
    swing = np.sin(phase) + 0.25 * np.sin(2 * phase)
    motion = np.tile(np.array([FIGURE_MM[name] for name in MPII16.joints], np.float64), (len(phase), 1, 1))
    for joint, name in enumerate(MPII16.joints):
        side, _, part = name.rpartition("_")
        sign = (1 if side == "left" else -1) * (1 if part in ("ankle", "knee") else -1)
        motion[:, joint, 2] += sign * SWING_MM.get(part, 0.0) * swing
    return motion


def jitter_m_s2(joints_mm: Float[np.ndarray, "T P 3"], rate_hz: float) -> float:
    """Mean length of the acceleration, by second differences, m/s2. Of true motion it isn't zero."""
    return float(np.linalg.norm(np.diff(joints_mm, 2, axis=0), axis=-1).mean()) * rate_hz**2 / 1000


def lag_frames(got: Float[np.ndarray, "T P 3"], truth: Float[np.ndarray, "T P 3"], most: float = 10.0) -> float:
    """How many frames, to a twentieth, the truth has to be delayed to lie nearest to what was got (least squares)."""
    times = np.arange(len(truth), dtype=np.float64)
    kept = slice(int(np.ceil(most)), None)
    flat = truth.reshape(len(truth), -1)
    shifts = np.arange(-1.0, most + 1e-9, 0.05)
    errors = []
    for shift in shifts:
        delayed = np.stack([np.interp(times - shift, times, column) for column in flat.T], axis=1)
        errors.append(float(((delayed - got.reshape(len(got), -1))[kept][:-1] ** 2).mean()))
    return float(shifts[int(np.argmin(errors))])


def smoothed(joints_mm: Float[np.ndarray, "T 16 3"], rate_hz: float, smoothing: Smoothing) -> np.ndarray:
    """A track through the filter that prediction uses."""
    body, before, moments = np.full(joints_mm.shape[1], STATURE_MM), None, []
    for k, frame in enumerate(joints_mm):
        before = Moment.after(before, k / rate_hz, frame, body, smoothing)
        moments.append(before)
    if smoothing.ahead_frames == 0:
        return np.stack([moment.values for moment in moments])
    ahead = [moments[k + 1 : k + 1 + smoothing.ahead_frames] for k in range(len(moments))]
    return np.stack([from_both_sides(now, later, smoothing) for now, later in zip(moments, ahead, strict=True)])


def bench_smoothing(
    settings: Sequence[Smoothing], rate_hz: float = 30.0, noise_mm: float = 45.0, seconds: float = 40.0, seed: int = 0
) -> dict[str, Any]:
    """Each setting on each motion; noise is independent in every joint, axis and frame, of that standard deviation."""
    random, rows = np.random.default_rng(seed), []
    for name, stride_hz in MOTIONS.items():
        truth = made_up_motion(stride_hz, rate_hz, seconds)
        moving = truth.std(0).max(-1) > 0 if stride_hz else np.ones(MPII16.n, bool)
        noisy = truth + random.normal(0, noise_mm, truth.shape)
        tracks = [("none", noisy)] + [(_label(one), smoothed(noisy, rate_hz, one)) for one in settings]
        for label, track in tracks:
            error = np.linalg.norm(track - truth, axis=-1)[:, moving].mean()
            rows.append({
                "motion": name,
                "smoothing": label,
                "jitter_m_s2": jitter_m_s2(track[:, moving], rate_hz),
                "true_jitter_m_s2": jitter_m_s2(truth[:, moving], rate_hz),
                "error_mm": float(error),
                "lag_frames": lag_frames(track[:, moving], truth[:, moving]) if stride_hz else None,
            })  # fmt: skip
    settled = {"rate_hz": rate_hz, "noise_mm": noise_mm, "seconds": seconds, "seed": seed}
    return {"format": FORMAT, "bench": "smoothing", **settled, "rows": rows}


def bench_video(video: Path, settings: Sequence[Smoothing], weights: str, max_people: int, stride: int) -> list[dict]:
    """Jitter of the people in a video as the network sees them, and smoothed: runs of at least ten frames in a row."""
    from wildpose.predict.estimator import PoseEstimator
    from wildpose.predict.inputs import Video
    from wildpose.results import predict_video

    estimator, source = PoseEstimator(weights), Video(video)
    results = predict_video(estimator, source, max_people=max_people, stride=stride, smoothing=None)
    tracks: dict[int, list[tuple[int, np.ndarray]]] = {}
    for _, result in results:
        for person in result.people:
            tracks.setdefault(person.id, []).append((result.index, person.pose.joints_mm.astype(np.float64)))
    rate_hz, rows = source.fps / stride, []
    runs = [run for track in tracks.values() for run in _unbroken(track, stride) if len(run) >= 10]
    for label, one in [("none", None), *((_label(one), one) for one in settings)]:
        shaken = [jitter_m_s2(run if one is None else smoothed(run, rate_hz, one), rate_hz) for run in runs]
        weights_of = [len(run) - 2 for run in runs]
        jitter = float(np.average(shaken, weights=weights_of)) if runs else None
        rows.append({"motion": video.name, "smoothing": label, "jitter_m_s2": jitter, "frames": sum(map(len, runs))})
    return rows


def _unbroken(track: list[tuple[int, np.ndarray]], stride: int) -> list[np.ndarray]:
    cuts = [k for k in range(1, len(track)) if track[k][0] - track[k - 1][0] != stride]
    bounds = [0, *cuts, len(track)]
    return [np.stack([pose for _, pose in track[a:b]]) for a, b in pairwise(bounds) if b > a]


def _label(one: Smoothing) -> str:
    usual = Smoothing()
    mark = " (a file)" if one == usual else " (a camera)" if one == replace(usual, ahead_frames=0) else ""
    return f"{one.min_cutoff_hz:g} Hz, beta {one.beta:g}, {one.ahead_frames} ahead{mark}"


def smoothing_table(result: dict[str, Any]) -> str:
    """A result as a Markdown table."""
    lines = ["| motion | one-euro | jitter, m/s2 | of the truth | error, mm | lag, frames |", "| --- " * 6 + "|"]
    for row in result["rows"]:
        cells = [row.get(name) for name in ("jitter_m_s2", "true_jitter_m_s2", "error_mm", "lag_frames")]
        shown = ["" if cell is None else f"{cell:.{digits}f}" for cell, digits in zip(cells, (1, 1, 1, 2), strict=True)]
        lines.append("| " + " | ".join([row["motion"], row["smoothing"], *shown]) + " |")
    made = f"{result['seconds']:g} s at {result['rate_hz']:g} Hz, noise {result['noise_mm']:g} mm"
    return "\n".join([*lines, "", f"made-up motion: {made}, seed {result['seed']}; over the joints that move"])
