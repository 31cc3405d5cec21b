"""Kill -9 a small run at random moments, go on each time, and compare the end with that of an undisturbed run.

    python tests/train/kill_trial.py 50        # kills; prints where they fell

Every second kill comes at a random time, the others inside a random checkpoint: before one of its file operations, or
half-way through a file. The processes come from a fork server that has imported everything, or each would need seconds.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from fork_server import start
from rendered_batch import tiny_config, tiny_data

STEPS = 10
WRITES_A_RUN = STEPS * 9
"""About as many file operations as the checkpoints of a run take."""


def config():
    run = tiny_config(checkpoint_every_s=0.0, log_every=3, validate_every=100)
    longer = type(run.pretrain_2d)(steps=STEPS, lr=1e-3, depth_weight=0.05, batch_3d=4, warmup_steps=2)
    return type(run)(**{**vars(run), "adversarial": longer})


def train(out: Path, phase: str, init: Path | None, kill_at_write: int) -> None:
    """One phase. The process kills itself at a file operation of that number, if that isn't negative."""
    import torch

    from wildpose.train import checkpoint, loop

    torch.set_num_threads(1)
    loop.draw_curves = lambda folder: folder  # takes longer than all else here
    write, count = checkpoint._write, [0]

    def counted(path: Path, data: bytes) -> None:
        count[0] += 1
        if count[0] == kill_at_write:
            path.write_bytes(data[: random.Random(kill_at_write).randrange(len(data) + 1)])
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, data)

    def killed_before(operation):
        def wrapped(*args, **kwargs):
            count[0] += 1
            if count[0] == kill_at_write:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)

        return wrapped

    checkpoint._write = counted
    if kill_at_write >= 0:
        os.replace, checkpoint.shutil.rmtree = killed_before(os.replace), killed_before(checkpoint.shutil.rmtree)
    loop.run_phase(config(), phase, tiny_data(), out, init, notify=lambda _line: None)


def outcome(phase: Path) -> tuple[dict[str, str], list[dict]]:
    """sha256 of every tensor file of the last checkpoint, and the log without its timings."""
    from wildpose.train.checkpoint import latest_checkpoint
    from wildpose.train.log import read_log

    latest = latest_checkpoint(phase)
    assert latest is not None and latest.name == f"step-{STEPS:06d}", latest
    lines = read_log(phase / "log.jsonl")
    lines = [{k: v for k, v in line.items() if k not in ("images_s", "wait_share")} for line in lines]
    return json.loads((latest / "state.json").read_text())["sha256"], lines


def trial(kills: int, folder: Path, seed: int = 0) -> list[str]:
    """Where each kill fell, in the adversarial phase, which has the most to keep. AssertionError if an end
    differs from that of the undisturbed run."""
    rng, fell = random.Random(seed), []
    start(train, folder, "pretrain-2d", None, -1).join()
    start(train, folder, "pretrain-3d", None, -1).join()
    init = folder / "pretrain-3d" / "step-000004"
    began = time.monotonic()
    undisturbed = start(train, folder / "whole", "adversarial", init, -1)
    undisturbed.join()
    duration = time.monotonic() - began
    assert undisturbed.exitcode == 0
    expected = outcome(folder / "whole" / "adversarial")
    cut, rounds = folder / "cut-0", 0
    while len(fell) < kills:
        at_write = rng.randrange(1, WRITES_A_RUN) if len(fell) % 2 else -1
        process = start(train, cut, "adversarial", init, at_write)
        if at_write < 0:
            process.join(rng.uniform(0, duration))
            process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            steps = sorted(p.name for p in (cut / "adversarial").glob("*[0-9]"))
            fell.append(f"{'in a write' if at_write >= 0 else 'at a time'}, left {', '.join(steps) or 'nothing'}")
        else:  # it got to the end before: compare, and begin another
            assert process.exitcode == 0, process.exitcode
            assert outcome(cut / "adversarial") == expected, f"after {fell}"
            rounds += 1
            cut = folder / f"cut-{rounds}"
    last = start(train, cut, "adversarial", init, -1)
    last.join()
    assert last.exitcode == 0 and outcome(cut / "adversarial") == expected, f"after {fell}"
    return [*fell, f"{rounds + 1} runs ended, each bit-identical to the undisturbed one"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print("\n".join(trial(int(sys.argv[1]), Path(scratch))))
