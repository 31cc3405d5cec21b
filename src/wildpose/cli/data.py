"""`wildpose data`: render the studio and outdoor sets, look at them, check them."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

data = tyro.extras.SubcommandApp()


@data.command
def studio(
    out: Path,
    images: int = 10_000,
    seed: int = 1,
    workers: int = 1,
    split: Literal["train", "test"] = "train",
    motion: Path | None = None,
    size_px: int = 256,
) -> None:
    """Render people in a studio room with exact 3D truth, shaped like Human3.6M.

    The same arguments give the same bytes, whatever the number of workers; run again to go on after an interruption.

    Args:
        out: Folder to write.
        images: How many pictures.
        seed: Where the randomness starts.
        workers: Processes that render.
        split: train has subjects S1 S5 S6 S7 S8, test S9 S11.
        motion: Folder with .bvh, .amc or DeepMimic files; without it poses are drawn within joint limits.
        size_px: Side of the square pictures.
    """
    from wildpose.studio.generate import generate

    _say(generate("studio", out, images, seed, workers, split, motion, None, size_px))


@data.command
def outdoor(
    out: Path,
    images: int = 6_000,
    seed: int = 1,
    workers: int = 1,
    split: Literal["train", "test"] = "train",
    motion: Path | None = None,
    panoramas: Path | None = None,
    size_px: int = 256,
) -> None:
    """Render people in many places with exact 3D truth; test is shaped like MPI-INF-3DHP's, train has a crowd.

    Args:
        out: Folder to write.
        images: How many pictures.
        seed: Where the randomness starts.
        workers: Processes that render.
        split: train has one of 380 people a picture, test subjects TS1 to TS6.
        motion: Folder with .bvh, .amc or DeepMimic files; without it poses are drawn within joint limits.
        panoramas: Folder with .npz panoramas (radiance_bgr); without it environments are invented.
        size_px: Side of the square pictures.
    """
    from wildpose.studio.generate import generate

    _say(generate("outdoor", out, images, seed, workers, split, motion, panoramas, size_px))


@data.command
def look(
    folder: Annotated[Path, tyro.conf.Positional],
    /,
    sheet: Path = Path("contact-sheet.jpg"),
    count: int = 64,
    first: int = 0,
    joints: bool = True,
) -> None:
    """Make a contact sheet of a set with the joints drawn: left blue, right red, occluded joints black.

    Args:
        folder: The set.
        sheet: Picture to write.
        count: How many pictures.
        first: Index of the first one.
        joints: Draw the joints.
    """
    from wildpose.studio.look import contact_sheet

    print(contact_sheet(folder, sheet, count, first=first, joints=joints))


@data.command
def check(folder: Annotated[Path, tyro.conf.Positional], /) -> None:
    """Verify every file of a set: sha256, shapes, every picture decodes, 3D projects onto 2D. A partial set is said
    to be one.

    Args:
        folder: The set.
    """
    from wildpose.studio.check import check_set

    print(check_set(folder))


@data.command
def coverage(folder: Annotated[Path, tyro.conf.Positional], /, lsp: Path, picture: Path = Path("coverage.png")) -> None:
    """Hold the poses of a rendered set against those of LSP's photos: limb directions and nearest whole poses.

    Args:
        folder: The set.
        lsp: Folder of LSP (joints.mat, images/).
        picture: Picture to write.
    """
    import numpy as np

    from wildpose.data.lsp import load_lsp
    from wildpose.data.studio import StudioSet
    from wildpose.studio.coverage import compare, draw

    rendered = StudioSet(folder, partial=True).joints_px
    photos = load_lsp(lsp, "train+val").joints_px
    result = compare(rendered, photos)
    near = np.median(result.nearest)
    text = (
        f"{len(rendered)} rendered poses, {len(result.nearest)} of LSP 1-1000: mean overlap of limb directions "
        f"{result.overlap.mean():.2f}; median distance to the nearest rendered pose {near:.3f} torso lengths a joint"
    )
    draw(result, picture, text)
    print(f"{text}\n{picture}")


def _say(folder: Path) -> None:
    print(f"{folder}: complete; `wildpose data look {folder}` shows it")
