"""wildpose train: the paper's three phases."""

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from wildpose.config import PHASES, PRESETS, TrainConfig, override
from wildpose.errors import InputError

SMOKE_IMAGES = 400
HELD_OUT_PX = 320
"""Side of the squares on the sheet of held-out predictions."""


def train(
    phase: Positional[Literal["pretrain-2d", "pretrain-3d", "adversarial", "all"]],
    /,
    out: Path,
    preset: Literal["small", "full-2s", "full-4s", "smoke"] = "small",
    lsp: Path | None = None,
    lspet: Path | None = None,
    outdoor: Path | None = None,
    studio: Path | None = None,
    init: Path | None = None,
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE")] = (),
    stop_at: int | None = None,
    threads: int = 0,
) -> None:
    """Train the pose estimator: its 2D module on wild photos, all of it with studio 3D, then adversarially.

    Each phase lives in OUT/PHASE (config.json, log.jsonl, curves.png, checkpoints) and starts from the phase before it.
    Run the same command again to go on after an interruption. `--preset smoke` needs no data: it renders its own.

    Args:
        phase: One phase, or all three in order.
        out: Folder of the run.
        preset: Network and schedule; `wildpose.config.PRESETS` has every value.
        lsp: Leeds Sports Poses, as its authors lay it out (joints.mat, images/).
        lspet: Its extended training set, likewise.
        outdoor: Rendered people whose 2D labels stand in for photos (`wildpose data outdoor`).
        studio: Rendered people with 3D labels (`wildpose data studio`).
        init: Checkpoint folder to start from, in place of the phase before.
        set: Settings to change, such as --set adversarial_loss.fix_2d=true batch=8.
        stop_at: Step to stop at before the phase's end; the schedule stays that of the whole phase.
        threads: Of the processor; 0 leaves it to torch.
    """
    import torch

    from wildpose.data.mix import build_data
    from wildpose.export import describe, export_onnx, load_generator
    from wildpose.train.loop import run_phase

    if threads:
        torch.set_num_threads(threads)
    config = override(PRESETS[preset], set)
    phases = PHASES if phase == "all" else (phase,)
    check_sizes(config)
    if preset == "smoke" and not (lsp or lspet or outdoor or studio):
        studio, outdoor = render_smoke(out)
    if studio is None and phases != ("pretrain-2d",):
        raise InputError("--studio DIR for phases with 3D labels", "none", "run `wildpose data studio --out DIR` first")
    data = build_data(lsp, lspet, outdoor, studio)
    for each in phases:
        checkpoint = run_phase(config, each, data, out, init, stop_at)
        init = None
        print(f"{each}: {checkpoint}, curves in {checkpoint.parent / 'curves.png'}")
    if phases[-1] != "pretrain-2d":
        weights = out / "weights.onnx"
        generator, state = load_generator(checkpoint)
        export_onnx(generator, describe(generator, state, preset, []), weights)
        print(f"weights: {weights}; try `wildpose predict PHOTO --weights {weights} --out DIR`")
        print(f"its poses on held-out images: {draw_held_out(weights, data, out / 'predictions.jpg')}")


def check_sizes(config: TrainConfig) -> None:
    """Settings that could not run at all, said before hours are spent on data."""
    multiple = 4 * 2**config.model.levels
    if config.model.input_px % multiple:
        got, fix = f"{config.model.input_px}", "mend --set model.input_px or model.levels"
        raise InputError(f"model.input_px as a multiple of {multiple} ({config.model.levels} levels)", got, fix)
    for name in ("pretrain_3d", "adversarial"):
        if not 0 <= getattr(config, name).batch_3d <= config.batch:
            got = str(getattr(config, name).batch_3d)
            raise InputError(f"{name}.batch_3d from 0 to batch = {config.batch}", got, f"mend --set {name}.batch_3d")


def render_smoke(out: Path) -> tuple[Path, Path]:
    """A small studio, and rendered outdoor people for photos; kept in OUT, so a second run finds them."""
    from wildpose.studio.generate import generate

    studio, outdoor = out / "studio", out / "outdoor"
    generate("studio", studio, SMOKE_IMAGES, seed=0, workers=2)
    generate("outdoor", outdoor, SMOKE_IMAGES, seed=1, workers=2)
    return studio, outdoor


def draw_held_out(weights: Path, data: "TrainData", target: Path) -> Path:
    """A sheet of poses on images that training never saw: wild photos, then studio pictures."""
    from wildpose.geometry import square_crop
    from wildpose.predict.crops import ImagePyramid, poses_in_boxes
    from wildpose.predict.follow import Tracked
    from wildpose.predict.onnx_model import OnnxModel
    from wildpose.view import contact_sheet, draw_result, write_picture

    model = OnnxModel.load(weights)
    pictures, captions = [], []
    for name, samples in (("photo", data.wild_val), ("studio", data.studio_val)):
        for i in range(min(6, len(samples)) if samples else 0):
            sample = samples.load(i * len(samples) // 6)
            scale = model.info.crop_scale
            square = ImagePyramid(sample.image_rgb).cut(square_crop(sample.box_xywh, scale), HELD_OUT_PX)
            margin = HELD_OUT_PX * (1 - 1 / scale) / 2
            box = (margin, margin, HELD_OUT_PX / scale, HELD_OUT_PX / scale)
            pose = poses_in_boxes(model, ImagePyramid(square), [box])[0]
            pictures.append(draw_result(square, [Tracked(0, pose)]))
            captions.append(f"{name} {i}")
    write_picture(target, contact_sheet(pictures, captions))
    return target
