"""Whether the fast step learns what the plain one learns: both from the same weights, on the same batches."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from wildpose.bench.clock import FORMAT, machine, machine_line
from wildpose.bench.plain import PlainStep
from wildpose.config import PRESETS, override
from wildpose.errors import InputError

WINDOWS = 5
PHASE = "pretrain-2d"


def bench_curves(
    lsp: Path, lspet: Path | None = None, preset: str = "small", steps: int = 500, seed: int = 0
) -> dict[str, Any]:
    """The heatmap loss of each of the first steps of phase 1, as trained and plainly written; of the latter with other
    initial weights too, which shows how far apart equals are.

    Constant learning rate without warm-up, which is all that the plain version knows. Raises InputError.
    """
    import torch

    from wildpose.data.mix import build_data
    from wildpose.train.loop import batches_of
    from wildpose.train.state import Training
    from wildpose.train.steps import advance

    if steps < WINDOWS:
        raise InputError(f"at least {WINDOWS} steps", str(steps), "mend --steps")
    fixed = ("schedule=constant", "pretrain_2d.warmup_steps=0", f"seed={seed}")
    config = override(PRESETS[preset], fixed)
    other = override(config, (f"seed={seed + 1}",))
    data = build_data(lsp=lsp, lspet=lspet)
    training = Training(config, PHASE)
    device, precision = torch.device("cpu"), str(training.dtype).removeprefix("torch.")
    versions = {
        f"as trained: {precision}, channels_last, fused": lambda batch: advance(training, batch),
        "plain: float32, contiguous": PlainStep(config, PHASE, device),
        "plain, other initial weights": PlainStep(other, PHASE, device),
    }
    losses: dict[str, list[float]] = {name: [] for name in versions}
    for batch in batches_of(training, data, steps):
        for name, step in versions.items():
            losses[name].append(step(batch)["heatmap"])
    return {
        "format": FORMAT,
        "bench": "curves",
        "preset": preset,
        "batch": config.batch,
        "steps": steps,
        "seed": seed,
        "samples": len(data.wild),
        "heatmap_loss": losses,
        "machine": machine("torch", "numba"),
    }


def windows(losses: list[float]) -> Float[np.ndarray, " windows"]:
    """Means over WINDOWS equal parts."""
    return np.array([part.mean() for part in np.array_split(np.array(losses), WINDOWS)])


def curves_table(result: dict[str, Any]) -> str:
    """A result as text, ready for the docs: the mean loss of each fifth, and how far it is from the plain one's."""
    ends = [result["steps"] * (i + 1) // WINDOWS for i in range(WINDOWS)]
    lines = [
        f"| heatmap loss x 1000, mean of the {ends[0]} steps up to | " + " | ".join(map(str, ends)) + " |",
        "| --- |" + " ---: |" * WINDOWS,
    ]
    for name, losses in result["heatmap_loss"].items():
        lines.append(f"| {name} | " + " | ".join(f"{1e3 * value:.4f}" for value in windows(losses)) + " |")
    first, plain, other = (windows(losses) for losses in result["heatmap_loss"].values())
    for name, values in (("as trained against plain", first), ("other weights against plain", other)):
        off = (f"{100 * (a / b - 1):+.2f} %" for a, b in zip(values, plain, strict=True))
        lines.append(f"| {name} | " + " | ".join(off) + " |")
    lines += [
        "",
        f"preset {result['preset']}, phase 1, batches of {result['batch']}, seed {result['seed']}, the same for all, "
        f"constant learning rate, {result['samples']} samples in a turn",
        machine_line(result["machine"]),
    ]
    return "\n".join(lines)


def draw(result: dict[str, Any], target: Path, span: int = 20) -> None:
    """The curves, each a running mean over `span` steps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, losses in result["heatmap_loss"].items():
        if len(losses) >= span:
            smooth = np.convolve(losses, np.full(span, 1 / span), "valid")
            axes.plot(np.arange(span, len(losses) + 1), 1e3 * smooth, label=name, linewidth=1.2)
    axes.set(
        xlabel=f"step (batch of {result['batch']})", ylabel=f"heatmap loss x 1000, mean of {span} steps", yscale="log"
    )
    axes.legend()
    figure.savefig(target, dpi=110)
    plt.close(figure)
