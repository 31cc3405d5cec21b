"""One function per table of the paper: outcomes of a queue in, Markdown and plots out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from wildpose.reproduce.paper import TABLE_1_P1, TABLE_1_P2, TABLE_2, TABLE_3, TABLE_4, PaperTable
from wildpose.reproduce.plots import draw_curves, draw_rows
from wildpose.reproduce.poses import draw_pose_figures
from wildpose.reproduce.queue import Outcome, Plan
from wildpose.reproduce.results import Figures, figures_of, section, stacked
from wildpose.reproduce.rows import FULL, ROWS, Row, Target

PLAUSIBILITY = PaperTable("Plausibility", "nothing: the paper doesn't measure it", (), {}, True, {})

HEAD = """# Results

Written by `wildpose reproduce`. Every row but Pretrain takes {steps} steps of the adversarial phase from the same
pretrained state (without its second phase in `w/o pretrain`) and with the same batches; Baseline is that phase with
lambda = 0. Seeds wanted: {seeds}.
"""


def table_1(outcomes: Sequence[Outcome], rows: Sequence[Row], plan: Plan) -> str:
    """Errors per action, both protocols."""
    stacks = "Ours (Full-4s)" if plan.base.model.stacks == 4 else "Ours (Full-2s)"
    found = [
        figures_of(outcomes, rows, paper, "studio", title)
        for paper, title in (
            (replace(TABLE_1_P1, ours={"Full": stacks}), "Protocol #1, MPJPE, per action"),
            (TABLE_1_P2, "Protocol #2"),
        )
    ]
    return "\n".join(section(figures) for figures in found if figures)


def table_2(outcomes: Sequence[Outcome], rows: Sequence[Row], plan: Plan) -> str:
    """Ablation: errors of the limbs."""
    figures = figures_of(outcomes, rows, TABLE_2, "studio", "limb groups")
    return _with_plot(figures, plan.out / "table2.png")


def table_3(outcomes: Sequence[Outcome], rows: Sequence[Row], plan: Plan) -> str:
    """2D before and after; and of the 3D poses on the same photos, whether they could be a person's."""
    figures = figures_of(outcomes, rows, TABLE_3, "photos", "PCK")
    text = _with_plot(figures, plan.out / "table3.png")
    plausible = figures_of(outcomes, rows, PLAUSIBILITY, "photos", "plausibility")  # not on MPII
    return text if plausible is None else f"{text}\n{section(replace(plausible, mains=(-3, -2, -1)))}"


def table_4(outcomes: Sequence[Outcome], rows: Sequence[Row], plan: Plan) -> str:
    """Another domain: PCK and AUC."""
    pck = figures_of(outcomes, rows, TABLE_4, "outdoor", "PCK at 150 mm", "PCK wildpose")
    area = figures_of(outcomes, rows, TABLE_4, "outdoor", "PCK at 150 mm", "AUC wildpose")
    if pck is None or area is None:
        return ""
    return _with_plot(stacked(pck, area, ("PCK", "AUC")), plan.out / "table4.png")


def figure_5(outcomes: Sequence[Outcome], rows: Sequence[Row], plan: Plan) -> str:
    """Validation curves with and without pretraining."""
    logs = {row: [plan.log(o.row, o.seed) for o in outcomes if o.row == row] for row in rows}
    drawn = draw_curves(logs, plan.out / "figure5.png")
    return (
        f"## Figure 5\n\n![MPJPE over the steps on the people whom runs are watched on]({drawn.name})\n"
        if drawn
        else ""
    )


def poses(outcomes: Sequence[Outcome], rows: Sequence[Row], plan: Plan) -> str:
    """Figures 3, 4 and 6: poses along the training, and beside Baseline's."""
    if FULL not in {outcome.row for outcome in outcomes}:
        return ""
    titles = {
        "figure3": "Figure 3: held-out people along the training of Full",
        "figure4": "Figure 4: held-out people, truth, Baseline and Full",
        "figure6-poses": "Figure 6: held-out photos, Baseline and Full",
    }
    drawn = {path.stem: path.name for path in draw_pose_figures(plan)}
    return "\n".join(f"## {titles[stem]}\n\n![{titles[stem]}]({drawn[stem]})\n" for stem in titles if stem in drawn)


TABLES: dict[Target, Callable[[Sequence[Outcome], Sequence[Row], Plan], str]] = {
    "table1": table_1,
    "table2": table_2,
    "table3": table_3,
    "table4": table_4,
    "figure5": figure_5,
    "poses": poses,
}


def write_results(outcomes: Sequence[Outcome], plan: Plan, target: Target, rows: Sequence[Row]) -> str:
    """OUT/TARGET.md, and OUT/results.md with the sections of all targets so far; returns the section of this one."""
    order = [row for row in _printed_order(target) if row in rows]
    text = TABLES[target](outcomes, order, plan)
    (plan.out / f"{target}.md").write_text(text)
    sections = [path.read_text() for name in TABLES if (path := plan.out / f"{name}.md").is_file()]
    head = HEAD.format(steps=plan.base.adversarial.steps, seeds=plan.seeds)
    (plan.out / "results.md").write_text("\n".join([head, *sections]))
    return text


def _printed_order(target: Target) -> list[Row]:
    """The paper's rows in the paper's order, those it doesn't have first."""
    paper = list(TABLE_2.rows)
    return sorted(ROWS[target], key=lambda row: paper.index(row.name) if row.name in paper else -1)


def _with_plot(figures: Figures | None, target: Path) -> str:
    if figures is None:
        return ""
    drawn = draw_rows(figures, target)
    return f"{section(figures)}\n![{figures.paper.name}]({drawn.name})\n"
