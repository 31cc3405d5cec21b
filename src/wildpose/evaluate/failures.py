"""Where and how a network fails on rendered people: by circumstance, by kind of failure, and a sheet of the worst."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Int

from wildpose.data.studio import StudioSet
from wildpose.evaluate.rendered import GROUP_COLUMNS, group_rows
from wildpose.evaluate.three_d import Judged
from wildpose.metrics import torso_diameter
from wildpose.report import Table
from wildpose.skeleton import MPII16
from wildpose.studio.files import write_atomically
from wildpose.studio.look import draw_caption, draw_joints
from wildpose.tables import Grouping

FAR = 0.2
"""Share of the torso within which a joint counts as found."""
SWAP_GAIN, FOUND, LOST = 1 / 8, 0.8, 0.5
"""Shares of the joints: by how much more would be right under the other side's name; found; below which 2D is lost."""
DEEP_MM = 150.0
"""P2 from which a pose whose joints were found in the picture counts as wrong in depth."""
KINDS = ("left and right confused", "lost in the picture", "found in the picture, wrong in depth", "none of these")
SHORT = dict(zip(KINDS, ("sides confused", "lost", "wrong in depth", ""), strict=True))
EACH, COLUMNS = 6, 3
"""Pictures of each kind on the sheet; pairs (found, true) a row."""


def circumstances(judged: Judged, rendered: StudioSet, rows: Int[np.ndarray, " N"], name: str) -> Table:
    """Errors by where the camera stands, how the trunk lies and how much is hidden; a row each, GROUP_COLUMNS."""
    basis = f"percent and mm, {len(rows)} images, scale rule {judged.protocol['scale_rule']}; +-: 95 % of P2"
    by, subjects = circumstance_groupings(rendered, rows), rendered.subject[rows]
    rows_of = {key: row for each in by for key, row in group_rows(judged, each, subjects).items()}
    return Table(f"{name}: by circumstance, {basis}", GROUP_COLUMNS, rows_of)


def circumstance_groupings(rendered: StudioSet, rows: Int[np.ndarray, " N"]) -> Iterator[Grouping]:
    """From the truth: the side that the camera sees, the trunk against the plumb line, how many joints are hidden."""
    cam = rendered.joints_cam_mm[rows].astype(np.float64)
    at = {joint: cam[:, MPII16.index(joint)] for joint in ("pelvis", "thorax", "left_shoulder", "right_shoulder")}
    trunk = at["thorax"] - at["pelvis"]
    forward = np.cross(at["left_shoulder"] - at["right_shoulder"], trunk)
    turned = _angle_deg(forward, -at["pelvis"])
    leaning = _angle_deg(trunk, rendered.R[rows] @ np.array([0.0, 0.0, 1.0]))
    hidden = rendered.occluded[rows].sum(1)
    yield _binned("seen from", turned, {"the front": 60.0, "the side": 120.0, "behind": np.inf})
    yield _binned("trunk", leaning, {"upright": 30.0, "leaning": 60.0, "level": 120.0, "upside down": np.inf})
    yield _binned("hidden joints", hidden, {"0 to 3": 4.0, "4 to 7": 8.0, "8 or more": np.inf})


def _angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    cosine = (a * b).sum(-1) / np.maximum(np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1), 1e-9)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def _binned(name: str, values: np.ndarray, limits: dict[str, float]) -> Grouping:
    """Each value under the first name whose limit lies above it."""
    names = np.array(list(limits))
    return Grouping(name, names[np.searchsorted(list(limits.values()), values, side="right")], tuple(limits))


def kinds(judged: Judged) -> np.ndarray:
    """(N,) str: which of KINDS a picture's pose is, by the first that fits."""
    right = found_share(judged.found.joints_px, judged.truth.joints_px)
    swapped = found_share(judged.found.joints_px[:, MPII16.mirror], judged.truth.joints_px)
    p2 = judged.aligned().mean(1)
    return np.select(
        [swapped >= right + SWAP_GAIN, right < LOST, (right >= FOUND) & (p2 >= DEEP_MM)], KINDS[:3], KINDS[3]
    )


def found_share(found_px: Float[np.ndarray, "N 16 2"], true_px: Float[np.ndarray, "N 16 2"]) -> Float[np.ndarray, " N"]:
    """Of each picture the share of the joints within 0.2 torso diameters."""
    return (np.linalg.norm(found_px - true_px, axis=-1) <= FAR * torso_diameter(true_px)[:, None]).mean(1)


def kinds_table(judged: Judged, name: str) -> Table:
    """How often each kind of failure happens, and how large its error is."""
    of, p2, right = kinds(judged), judged.aligned().mean(1), found_share(judged.found.joints_px, judged.truth.joints_px)
    rows = {}
    for kind in KINDS:
        mine = of == kind
        figures = (float(100 * right[mine].mean()), float(p2[mine].mean())) if mine.any() else (float("nan"),) * 2
        rows[kind] = (float(100 * mine.mean()), *figures, int(mine.sum()))
    title = f"{name}: kinds of failure, percent and mm, {len(of)} images"
    return Table(title, ("share", "2D joints found", "P2", "images"), rows)


def worst(judged: Judged, rendered: StudioSet, rows: Int[np.ndarray, " N"]) -> list[int]:
    """The worst of each kind by P2, at most two of an action and one of a person: places in `rows`."""
    of, p2 = kinds(judged), judged.aligned().mean(1)
    chosen: list[int] = []
    for kind in KINDS[:3]:
        mine: list[int] = []
        for i in np.argsort(-p2).tolist():
            actions = [rendered.action[rows[j]] for j in mine]
            people = [rendered.subject[rows[j]] for j in mine]
            fits = actions.count(rendered.action[rows[i]]) < 2 and rendered.subject[rows[i]] not in people
            if of[i] == kind and fits and len(mine) < EACH:
                mine.append(i)
        chosen += mine
    return chosen


def failure_sheet(judged: Judged, rendered: StudioSet, rows: Int[np.ndarray, " N"], out: Path) -> Path:
    """Write a picture of the worst of each kind: what was found (left) beside the truth (right)."""
    of, p2, tiles = kinds(judged), judged.aligned().mean(1), []
    for i in worst(judged, rendered, rows):
        pair = []
        for joints, text in (
            (judged.found.joints_px[i], f"found: {SHORT[of[i]]}, P2 {p2[i]:.0f} mm"),
            (judged.truth.joints_px[i], f"true: {rendered.action[rows[i]]}"),
        ):
            picture = np.ascontiguousarray(rendered.image(int(rows[i]))[..., ::-1])
            draw_joints(picture, joints, rendered.occluded[rows[i]])
            draw_caption(picture, text)
            pair.append(picture)
        tiles.append(np.hstack(pair))
    if not tiles:  # nothing fails: a sheet that says so
        tiles = [np.zeros((64, 512, 3), np.uint8)]
        draw_caption(tiles[0], "no failures of these kinds")
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    sheet = np.vstack([np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)])
    write_atomically(out, cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 72])[1].tobytes())
    return out
