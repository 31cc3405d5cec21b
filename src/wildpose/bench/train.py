"""One training step: whole, in parts, against the machine's peak and against a plain version of itself.

Pictures are noise, made into batches by the real loader: content doesn't matter to the time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from wildpose.bench.clock import (
    FORMAT,
    Stopwatch,
    busy_lines,
    load_per_core,
    machine,
    machine_line,
    peak_memory_mib,
    quartiles,
)
from wildpose.bench.peak import measure_peak, settle
from wildpose.bench.plain import PlainStep
from wildpose.config import Phase, TrainConfig, override
from wildpose.errors import InputError

WARMUP = 3
PARTS = ("wait", "forward", "backward", "optimiser", "D", "rest")
"""wait: for the loader; forward and backward: G's, the latter through D in the adversarial phase; D: both its passes
forward, its own backward and its optimiser; rest: losses, evidence, clipping, averaged weights."""


class Noise:
    """Photographs of nobody, as JPEG in memory; with_3d adds camera coordinates."""

    def __init__(self, with_3d: bool, count: int = 64, side_px: int = 320):
        import cv2

        rng = np.random.default_rng(int(with_3d))
        pictures = (cv2.GaussianBlur(rng.integers(0, 256, (side_px, side_px, 3), np.uint8), (0, 0), 2)
                    for _ in range(count))  # fmt: skip
        self.jpegs = [cv2.imencode(".jpg", picture)[1] for picture in pictures]
        self.joints = rng.uniform(60, side_px - 60, (count, 16, 2)).astype(np.float32)
        self.box = np.array([50, 50, side_px - 100, side_px - 100], np.float32)
        self.with_3d = with_3d

    def __len__(self) -> int:
        return len(self.jpegs)

    def load(self, i: int) -> Any:
        import cv2

        from wildpose.data.sample import Sample

        image = cv2.imdecode(self.jpegs[i], cv2.IMREAD_COLOR)[..., ::-1]
        depth_mm = 3000 + self.joints[i, :, :1]
        xyz = np.concatenate([(self.joints[i] - 160) * 8, depth_mm], 1) if self.with_3d else None
        return Sample(image, self.joints[i], np.ones(16, bool), self.box, xyz)


def bench_train(config: TrainConfig, phase: Phase, steps: int, threads: int, plain: bool = True) -> dict[str, Any]:
    """Figures of `steps` steps each of ours, of a supervised one (in the adversarial phase) and of the plain one.

    Ours runs alone first, fed by the loader: that gives its rate, parts and memory. Then the versions take turns on one
    batch in memory: that gives the ratios. Raises InputError for counts below 1.
    """
    import torch

    from wildpose.data.mix import TrainData
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.threads import use_threads

    use_threads(threads)  # before what imports numba
    from wildpose.train.state import Training
    from wildpose.train.steps import advance
    from wildpose.train.workers import join

    if steps < 1 or threads < 1:
        raise InputError("at least 1 step and 1 thread", f"{steps} and {threads}", "mend --steps or --threads")
    load = load_per_core()
    # Every step trains everything: the plain one knows of no steps with the 2D module frozen.
    config = override(config, ("pretrain_3d.head_only_steps=0",))
    kept = keep_freed_memory()
    data = TrainData(wild=Noise(False), studio=Noise(True))
    with join() as workers:
        device = workers.device
        training = Training(config, phase, workers)
        alone, batch = _alone(training, data, steps)
        memory = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else peak_memory_mib()
        calls = {"ours": lambda: advance(training, batch)}
        if phase == "adversarial":
            supervised = Training(config, "pretrain-3d", workers)
            calls["supervised"] = lambda: advance(supervised, batch)
        flops = None
        if plain:
            reference = PlainStep(config, phase, device)
            flops = _count_flops(reference, batch)
            calls["plain"] = lambda: reference(batch)
        turns = _in_turns(calls, steps, device)
        peak = measure_peak(device)
    precision = str(training.dtype).removeprefix("torch.")
    rate = None if flops is None else [flops / s / 1e9 for s in alone["step_s"]]
    return {
        "format": FORMAT,
        "bench": "train",
        "phase": phase,
        "batch": config.batch,
        "input_px": config.model.input_px,
        "stacks": config.model.stacks,
        "features": config.model.features,
        "precision": precision,
        "steps": steps,
        "threads": threads,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "freed_memory_kept": kept,
        "images_s": quartiles([config.batch / s for s in alone["step_s"]]),
        "parts_ms": {part: quartiles([1e3 * step.get(part, 0.0) for step in alone["parts_s"]]) for part in PARTS},
        "wait_share": sum(step["wait"] for step in alone["parts_s"]) / sum(alone["step_s"]),
        "load_ms_per_image": quartiles(alone["load_ms"]),
        "peak_memory_mib": memory,
        "gflop_per_step": flops and flops / 1e9,
        "peak": peak,
        "share_of_peak": rate and quartiles([r / peak[f"{precision}_gflop_s"]["median"] for r in rate]),
        "in_turns_ms": {name: quartiles([1e3 * s for s in seconds]) for name, seconds in turns.items()},
        "speed_up": _ratios(turns, "plain", "ours"),
        "adversarial_to_supervised": _ratios(turns, "ours", "supervised"),
        "load_per_core": load,
        "machine": machine("torch", "numpy", "opencv-python-headless"),
    }


def _alone(training: Any, data: Any, steps: int) -> tuple[dict[str, list], Any]:
    """Steps fed by the loader, with a stopwatch on their parts; seconds of each, and the last batch."""
    from wildpose.train.loop import batches_of
    from wildpose.train.steps import advance

    device = training.workers.device
    watch = Stopwatch(lambda: settle(device))
    step_s, parts_s, began = [], [], time.perf_counter()
    with _watched(training, watch):
        watch.start("wait")
        for batch in batches_of(training, data, WARMUP + steps):
            batch = batch.to(device)
            watch.stop()
            with watch.part("rest"):
                advance(training, batch)
            parts_s.append(watch.take())
            now = time.perf_counter()
            step_s.append(now - began)
            began = now
            watch.start("wait")
        watch.stop()
    times = {"step_s": step_s[WARMUP:], "parts_s": parts_s[WARMUP:], "load_ms": _load_ms(training, data)}
    return times, batch


@contextmanager
def _watched(training: Any, watch: Stopwatch) -> Iterator[None]:
    """Book passes of networks and steps of optimisers, from outside: the code of the steps stays as it is."""
    import torch

    networks = [(training.generator, "forward")]
    if training.phase == "adversarial":
        networks.append((training.discriminator, "D"))
    hooks = []
    for network, part in networks:
        hooks.append(network.register_forward_pre_hook(lambda *_, part=part: watch.start(part)))
        hooks.append(network.register_forward_hook(lambda *_: watch.stop()))
    for optimiser, part in zip(training.optimisers, ("optimiser", "D"), strict=False):
        hooks.append(optimiser.register_step_pre_hook(lambda *_, part=part: watch.start(part)))
        hooks.append(optimiser.register_step_post_hook(lambda *_: watch.stop()))
    original = torch.Tensor.backward

    def backward(*args: Any, **kwargs: Any) -> None:
        learning = networks[-1][0]  # D, where there is one: in its own backward pass its parameters are awake
        of_d = len(networks) == 2 and any(p.requires_grad for p in learning.parameters())
        with watch.part("D" if of_d else "backward"):
            original(*args, **kwargs)

    torch.Tensor.backward = backward
    try:
        yield
    finally:
        torch.Tensor.backward = original
        for hook in hooks:
            hook.remove()


def _load_ms(training: Any, data: Any) -> list[float]:
    """Milliseconds per image in which one process makes a batch."""
    from wildpose.data.batches import Batches

    config = training.config
    batches = Batches(
        data.wild, data.studio, config.batch, training.settings.batch_3d, config.model, config.augment, (0, 0)
    )
    times = []
    for k in range(4):
        began = time.perf_counter()
        batches[k]
        times.append(1e3 * (time.perf_counter() - began) / config.batch)
    return times[1:]


def _count_flops(reference: PlainStep, batch: Any) -> int:
    """Of convolutions and matrix products, forward and backward, in one step; a multiply-add counts as two."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        reference(batch)
    return counter.get_total_flops()


def _in_turns(calls: dict[str, Any], steps: int, device: Any) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(WARMUP + steps):
        for name, call in calls.items():
            settle(device)
            began = time.perf_counter()
            call()
            settle(device)
            seconds[name].append(time.perf_counter() - began)
    return {name: values[WARMUP:] for name, values in seconds.items()}


def _ratios(turns: dict[str, list[float]], above: str, below: str) -> dict[str, float] | None:
    """Time of one version in that of another, turn by turn."""
    if above not in turns or below not in turns:
        return None
    return quartiles([a / b for a, b in zip(turns[above], turns[below], strict=True)])


def train_table(result: dict[str, Any]) -> str:
    """A result as Markdown."""
    rows = {"images/s": result["images_s"]}
    rows |= {f"{part}, ms a step": figures for part, figures in result["parts_ms"].items()}
    rows["making a batch, one process, ms an image"] = result["load_ms_per_image"]
    rows |= {f"{name}, in turns, ms a step": figures for name, figures in result["in_turns_ms"].items()}
    rows["times as fast as the plain step"] = result["speed_up"]
    rows["adversarial in supervised steps"] = result["adversarial_to_supervised"]
    rows[f"share of the measured {result['precision']} peak"] = result["share_of_peak"]
    rows |= {f"peak: {name}": figures for name, figures in result["peak"].items()}
    lines = ["| train | median | q1 | q3 |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {n} | {f['median']:.4g} | {f['q1']:.4g} | {f['q3']:.4g} |" for n, f in rows.items() if f]
    size = f"{result['stacks']} stacks of {result['features']} features, {result['input_px']} px, {result['precision']}"
    memory = result["peak_memory_mib"]
    lines += [
        "",
        f"{result['phase']}, batch {result['batch']}, {size}; {result['steps']} steps, {result['threads']} threads, "
        f"{result['device']}; waiting for the loader {100 * result['wait_share']:.1f} % of the time",
        "peak memory " + (f"{memory:.0f} MiB" if memory else "unknown") + ", before the other versions began",
        machine_line(result["machine"]),
    ]
    return "\n".join(lines + busy_lines(result["load_per_core"]))
