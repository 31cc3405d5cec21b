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
        panoramas: Folder with .hdr panoramas (or .npz with radiance_bgr); without it the seventeen of the package.
        size_px: Side of the square pictures.
    """
    from wildpose.studio.generate import generate

    _say(generate("outdoor", out, images, seed, workers, split, motion, panoramas, size_px))


@data.command
def panoramas(source: Path, out: Path, names: tuple[str, ...] = ()) -> None:
    """Pack HDR panoramas small (512 x 256 px, some 65 KB each), as those were that come with wildpose.

    Args:
        source: Folder with .hdr panoramas (or .npz with radiance_bgr).
        out: Folder to write; `wildpose data outdoor --panoramas` takes it.
        names: Which ones, without the suffix; all if none is named.
    """
    from wildpose.studio.panoramas import write_pack

    written = write_pack(source, out, names)
    print(f"{out}: {len(written)} panoramas, {sum(path.stat().st_size for path in written) / 1e6:.2f} MB")


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
def pack(root: Annotated[Path, tyro.conf.Positional], /, tar_mib: int = 512) -> None:
    """Put all photos of a data set into a few tar files beside them, for file systems that dislike small files.

    Every reader finds them there; the loose photos may be deleted. Run again to go on after an interruption.

    Args:
        root: Folder of the data set.
        tar_mib: Photos in one tar, MiB.
    """
    from wildpose.data.packed import INDEX
    from wildpose.data.packed import pack as pack_photos

    folder = pack_photos(root, tar_mib * 2**20, lambda done, total: print(f"{done} of {total} photos", flush=True))
    print(f"{folder / INDEX}: complete")


@data.command
def prepare(
    what: Annotated[Literal["human36m", "mpi-inf-3dhp"], tyro.conf.Positional],
    source: Annotated[Path, tyro.conf.Positional],
    /,
    out: Path | None = None,
    stride_train: int = 5,
    stride_test: int = 64,
    subjects: tuple[str, ...] = (),
    metadata: Path | None = None,
) -> None:
    """Make images and an index of the official archives of Human3.6M, or frames of MPI-INF-3DHP's videos [data].

    Run again to go on after an interruption: images that are there are kept.

    Args:
        what: Which data set.
        source: human36m: folder with the archives (or what they hold) and metadata.xml; mpi-inf-3dhp: the data set's.
        out: human36m: folder to write; frames of mpi-inf-3dhp always go beside its videos.
        stride_train: Every which frame to train on.
        stride_test: human36m: every which frame to test on.
        subjects: human36m: some subjects only (S1 S5 S6 S7 S8 train, S9 S11 test); the index holds those.
        metadata: human36m: metadata.xml, if it isn't in the source folder.
    """
    from wildpose.errors import InputError

    if what == "mpi-inf-3dhp":
        from wildpose.data.mpi_inf_3dhp_prepare import prepare_mpi_inf_3dhp

        print(f"{source}: {prepare_mpi_inf_3dhp(source, stride_train)} frames")
        return
    from wildpose.data.human36m_prepare import prepare_human36m

    if out is None:
        raise InputError("--out, the folder to write", "none", "add --out DIR")
    strides = {"train": stride_train, "test": stride_test}
    for index in prepare_human36m(source, out, strides, subjects, metadata):
        print(f"{index}: complete; `wildpose data doctor {out}` checks it")


@data.command
def doctor(folder: Annotated[Path, tyro.conf.Positional], /, decode: bool = False) -> None:
    """Say what a folder holds (every data set that wildpose reads is recognised) and what of it is missing or damaged.

    Exit code 0: sound; 1: something is missing or damaged, or nothing was recognised; 2: no such folder.

    Args:
        folder: A data set, or a folder with several.
        decode: Decode every photo, in place of looking at its first and last bytes only.
    """
    from wildpose.data.doctor import diagnose, report

    findings = diagnose(folder, decode)
    print(report(findings))
    if any(finding.faults for finding in findings):
        raise SystemExit(1)


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
