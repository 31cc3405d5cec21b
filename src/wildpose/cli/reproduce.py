"""wildpose reproduce: the paper's tables as queues of runs, ours beside the paper's."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from wildpose.cli.train import check_phases, check_sizes
from wildpose.config import PHASES, PRESETS, override
from wildpose.errors import InputError


def reproduce(
    table: Positional[Literal["table1", "table2", "table3", "table4", "figure5", "poses", "diagnose"]],
    /,
    out: Path,
    embedded: bool = False,
    data_root: Path | None = None,
    pretrained: Path | None = None,
    steps: int | None = None,
    seeds: int = 3,
    rows: tuple[str, ...] = (),
    studio: Path | None = None,
    studio_test: Path | None = None,
    outdoor: Path | None = None,
    outdoor_test: Path | None = None,
    lsp: Path | None = None,
    lspet: Path | None = None,
    held_out: bool = False,
    scale_rule: Literal["legacy4296", "train-mean", "ground-truth", "none"] = "train-mean",
    flip: bool = False,
    preset: Literal["small", "large", "full-2s", "full-4s", "smoke"] = "small",
    set: Annotated[tuple[str, ...], arg(metavar="NAME=VALUE")] = (),
    threads: int = 0,
) -> None:
    """Train every row of a table from one pretrained state, judge it, and print ours beside the paper's.

    Runs live in OUT/runs, results in OUT/results.md with plots. Run the same command again after an interruption: done
    runs are skipped, the one that was cut off goes on. Tables share their runs if they share OUT. Works under torchrun.

    Args:
        table: table1 (per action), table2 (ablation), table3 (2D before and after), table4 (another domain), figure5,
            poses (figures 3, 4 and 6); diagnose looks at the discriminators of runs that are there, and trains nothing.
        out: Folder of the queue.
        embedded: On sets that anyone can have: studio, outdoor (rendered) and LSP photos.
        data_root: On the paper's own sets: a folder with human36m, mpii and (for table4) mpi_inf_3dhp, in any layout
            that `wildpose data doctor` knows. The paper's networks are --preset full-2s and full-4s.
        pretrained: Folder of a `wildpose train` run with pretrain-2d and pretrain-3d; without it both are trained
            first, by the preset, into OUT/pretrained.
        steps: Steps of every row (default: those of the pretrained run's adversarial phase).
        seeds: Runs of every row.
        rows: Only these rows, by name.
        studio: Rendered people with 3D labels to train on.
        studio_test: Those of the test split, for tables 1 and 2.
        outdoor: Rendered people whose 2D labels stand in for photos.
        outdoor_test: Those of the test split, for table 4.
        lsp: Leeds Sports Poses; photos 1001-2000 for table 3.
        lspet: Its extended training set.
        held_out: Judge on the held-out parts of the training data in place of the test sets: to choose settings.
        scale_rule: How predicted 3D poses get their size in mm.
        flip: Average with the prediction for the mirrored image.
        preset: Network and schedules where there is no --pretrained.
        set: Settings to change for all rows, such as --set adversarial_loss.weight=1e-3.
        threads: Of the processor; 0 leaves it to torch.
    """
    if embedded == (data_root is not None):
        raise InputError("either --embedded or --data-root DIR", "both" if embedded else "neither", "give one of them")
    if data_root is not None:
        from wildpose.reproduce.licensed import check_licensed

        check_licensed(data_root, table)
        if held_out or studio or studio_test or outdoor or outdoor_test or lsp or lspet:
            raise InputError("--data-root alone", "embedded sets or --held-out as well", "leave one out")
    for name, number in (("--seeds", seeds), ("--steps", steps), ("--threads", threads or None)):
        if number is not None and number < 1:
            raise InputError(f"{name} of 1 or more", str(number), f"mend {name}")
    from wildpose.reproduce.queue import Plan, run_queue
    from wildpose.reproduce.rows import choose_rows
    from wildpose.reproduce.start import base_settings, find_starts, pretrain
    from wildpose.reproduce.tables import write_results
    from wildpose.train.guard import Interrupted
    from wildpose.train.memory import keep_freed_memory
    from wildpose.train.threads import use_threads
    from wildpose.train.workers import join

    chosen = choose_rows(table, rows)
    if data_root is not None:
        from wildpose.reproduce.licensed import licensed_data, licensed_judges

        data, judges = licensed_data(data_root), licensed_judges(data_root, table, scale_rule, flip)
    else:
        from wildpose.data.mix import build_data
        from wildpose.reproduce.sets import check_judges, held_out_judges, judges_on_tests

        if studio is None:
            raise InputError("--studio DIR to train on", "none", "run `wildpose data studio --out DIR` first")
        data = build_data(lsp, lspet, outdoor, studio)
        if held_out:
            judges = held_out_judges(data, scale_rule, flip)
        else:
            judges = judges_on_tests(studio_test, outdoor_test, lsp, scale_rule, flip)
        check_judges(judges, table)
    keep_freed_memory()
    use_threads(threads)
    if table == "diagnose":
        from wildpose.reproduce.diagnose import diagnose

        print(f"{diagnose(out, data)}\nwritten to {out / 'diagnosis.md'}")
        return
    changes = (*set, *([f"adversarial.steps={steps}"] if steps else []))
    with join() as workers:
        try:
            if pretrained is None:
                base = override(PRESETS[preset], changes)
                check_sizes(base)
                check_phases(base, PHASES, workers.count)
                pretrained = pretrain(base, data, out / "pretrained", workers)
            else:
                base = base_settings(pretrained, changes)
                check_sizes(base)
                check_phases(base, ("adversarial",), workers.count)
            plan = Plan(out, base, find_starts(pretrained, chosen), data, judges, seeds)
            text = ""
            for outcomes in run_queue(plan, chosen, workers):
                if workers.leads:
                    text = write_results(outcomes, plan, table, chosen)
        except Interrupted as stop:
            if workers.leads:
                print(stop, file=sys.stderr)
            raise SystemExit(128 + stop.number) from None
        if workers.leads:
            print(f"{text}\nwritten to {out / 'results.md'}")
