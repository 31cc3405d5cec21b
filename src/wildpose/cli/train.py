"""wildpose train: the paper's three phases."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from wildpose.cli.sets import NO_SETS, SetFlags
from wildpose.config import PHASES, PRESETS, Phase, TrainConfig, override
from wildpose.errors import InputError

SMOKE_IMAGES = 400
HELD_OUT_PX = 320
"""Side of the squares on the sheet of held-out predictions."""


def train(
    phase: Positional[Literal["pretrain-2d", "pretrain-3d", "adversarial", "all"]],
    /,
    out: Path,
    preset: Literal["small", "large", "full-2s", "full-4s", "smoke"] = "small",
    sets: SetFlags = NO_SETS,
    lifted: Path | None = None,
    init: Path | None = None,
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE")] = (),
    stop_at: int | None = None,
    threads: int = 0,
    accumulate: int = 1,
    compile: bool = False,
    resume: Literal["auto", "never"] = "auto",
) -> None:
    """Train the pose estimator: its 2D module on wild photos, all of it with studio 3D, then adversarially.

    Each phase lives in OUT/PHASE (config.json, log.jsonl, curves.png, checkpoints) and starts from the phase before it.
    Run the same command again to go on after an interruption: a kill, SIGTERM, Ctrl-C (the last two write a checkpoint
    first), a full disk. Under torchrun each process takes a share of every batch, on a GPU of its own if there are
    GPUs; settings, results and checkpoints stay those of one. `--preset smoke` needs no data: it renders its own.

    Args:
        phase: One phase, or all three in order.
        out: Folder of the run.
        preset: Network and schedule; `wildpose.config.PRESETS` has every value.
        sets: What there is to learn from.
        lifted: Folder of depth labels for the sets with 2D labels (`wildpose lift`, beyond the paper).
        init: Checkpoint folder, weights file, or the name `default` to start from, in place of
            the phase before. If it has more stacks than the preset, the run has as many.
        set: Settings to change, such as --set adversarial_loss.fix_2d=true batch=8.
        stop_at: Step to stop at before the phase's end; the schedule stays that of the whole phase.
        threads: Of the processor; 0 leaves it to torch.
        accumulate: Passes in which a process takes its share of a batch, if it doesn't fit its memory at once.
        compile: Let torch.compile fuse the network's passes: for GPUs; takes a minute or more at the start.
        resume: auto goes on from the last checkpoint in OUT, if there is one; never refuses an OUT that has any.
    """
    from wildpose.train.guard import Interrupted
    from wildpose.train.loop import run_phase
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.threads import use_threads
    from wildpose.train.workers import join

    keep_freed_memory()
    use_threads(threads)
    config = override(PRESETS[preset], set)
    if init and not any(text.startswith("model.stacks=") for text in set):
        config = as_many_stacks(config, init)
    phases = PHASES if phase == "all" else (phase,)
    check_sizes(config)
    if resume == "never":
        check_new(out, phases)
    with join() as workers:
        check_phases(config, phases, workers.count, accumulate)
        if preset == "smoke" and sets == NO_SETS:
            if workers.leads:
                render_smoke(out)
            workers.meet()  # the others wait for its pictures
            sets = replace(sets, studio=out / "studio", outdoor=out / "outdoor")
        if sets.studio is None and not sets.data_3d and phases != ("pretrain-2d",):
            raise InputError(
                "--studio DIR (or --data-3d) for phases with 3D labels",
                "none",
                "run `wildpose data studio --out DIR` first",
            )
        data = sets.load(lifted)
        mixed = {each: data.in_phase(config.phase(each).mix) for each in phases}
        for each in phases:
            try:
                done = run_phase(
                    config,
                    each,
                    mixed[each],
                    out,
                    init,
                    stop_at,
                    workers=workers,
                    accumulate=accumulate,
                    compiled=compile,
                )
            except Interrupted as stop:
                if workers.leads:
                    print(stop, file=sys.stderr)
                raise SystemExit(128 + stop.number) from None  # as a shell counts: what waits for this must not go on
            init = None
            if workers.leads:
                print(f"{each}: {done}, curves in {done.parent / 'curves.png'}")
        if workers.leads and phases[-1] != "pretrain-2d":
            write_weights(done, preset, data, out)


def write_weights(checkpoint: Path, preset: str, data: "TrainData", out: Path) -> None:
    """OUT/weights.onnx, and a picture of what it finds."""
    from wildpose.export import describe, export_onnx, load_generator

    weights = out / "weights.onnx"
    generator, state = load_generator(checkpoint)
    export_onnx(generator, describe(generator, state, preset, []), weights)
    print(f"weights: {weights}; try `wildpose predict PHOTO --weights {weights} --out DIR`")
    print(f"its poses on held-out images: {draw_held_out(weights, data, out / 'predictions.jpg')}")


def as_many_stacks(config: TrainConfig, init: Path) -> TrainConfig:
    """At least those of the weights to start from: none of what they know is to be left out unasked."""
    from wildpose.train.start import read_start

    return override(config, (f"model.stacks={max(config.model.stacks, read_start(init).model.stacks)}",))


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
    if config.seed < 0:
        raise InputError("seed of at least 0", str(config.seed), "mend --set seed")
    for name in ("log_every", "validate_every", "batch"):
        if getattr(config, name) < 1:
            raise InputError(f"{name} of at least 1", str(getattr(config, name)), f"mend --set {name}")
    sources, r1 = config.discriminator.sources, config.adversarial_loss.r1
    if not sources or len(set(sources)) < len(sources):
        fix = "mend --set discriminator.sources"
        raise InputError("discriminator.sources out of image, geometry and maps, each once", ",".join(sources), fix)
    if r1 > 0 and sources == ("image",):
        fix = "add geometry or maps, or --set adversarial_loss.r1=0"
        raise InputError("a source of poses, for adversarial_loss.r1 is of D's gradient by them", "image alone", fix)


def check_phases(config: TrainConfig, phases: tuple[Phase, ...], workers: int = 1, accumulate: int = 1) -> None:
    """What a later phase would refuse, said before the days of the ones before it."""
    from wildpose.train.state import check_shares, check_sides

    for phase in phases:
        check_shares(config.batch, config.phase(phase).batch_3d, workers, accumulate)
    if "adversarial" in phases:
        check_sides(config)


def check_new(out: Path, phases: tuple[str, ...]) -> None:
    from wildpose.train.checkpoint import latest_checkpoint

    for phase in phases:
        if found := latest_checkpoint(out / phase):
            fix = "give another --out, or leave --resume never out to go on from there"
            raise InputError(f"no checkpoint in {out / phase}", str(found.name), fix)


def render_smoke(out: Path) -> None:
    """A small studio, and rendered outdoor people for photos; kept in OUT, so a second run finds them."""
    from wildpose.studio.generate import generate

    generate("studio", out / "studio", SMOKE_IMAGES, seed=0, workers=2)
    generate("outdoor", out / "outdoor", SMOKE_IMAGES, seed=1, workers=2)


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
