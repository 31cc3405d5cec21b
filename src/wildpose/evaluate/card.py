"""A model card: weights measured on every set at hand, and all of it written down as one Markdown page."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpose.data.studio import read_manifest
from wildpose.errors import InputError
from wildpose.evaluate.card_text import (
    CROWD,
    FAILURES,
    GROUPS,
    INTENDED,
    LIMITS,
    MISSING,
    SETS,
    groups_verdict,
    markdown,
    training,
    transposed,
)
from wildpose.evaluate.failures import circumstances, failure_sheet, kinds_table
from wildpose.evaluate.rendered import evaluate_studio, judge_rendered, open_split
from wildpose.evaluate.two_d import evaluate_lsp
from wildpose.predict.onnx_model import OnnxModel, WeightsInfo
from wildpose.report import Report, Table
from wildpose.studio.files import make_folder, write_atomically

PICTURE = "failures.jpg"


@dataclass(frozen=True)
class Sets:
    """Folders to measure on; what is not given is not measured, and the card says so."""

    lsp: Path | None = None
    studio: Path | None = None
    outdoor: Path | None = None
    crowd: Path | None = None
    """Rendered outdoor people of the training split, of a seed that training didn't see: for the groups of people."""


def measure(model: OnnxModel, sets: Sets, keep: Path, validation: bool, tell: Callable[[str], None]) -> dict:
    """Name of the set -> Report, for every set given; each is kept as `keep`/NAME.json. As `wildpose predict` answers:
    averaged with the mirrored crops.

    A report that lies there already and is of these weights is taken as it is. validation: LSP's validation photos and
    the studio's subject S8 in place of the test sets, to rehearse. Raises InputError.
    """
    split = "val" if validation else "test"
    ways: dict[str, Callable[[Path], Report]] = {
        "lsp": lambda root: evaluate_lsp(model, root, split, flip=True),
        "studio": lambda root: evaluate_studio(model, root, flip=True, kind="studio", split=split),
        "outdoor": lambda root: evaluate_studio(model, root, flip=True, kind="outdoor"),
        "crowd": lambda root: _crowd(model, root, keep),
    }
    reports = {}
    make_folder(keep)
    for name, way in ways.items():
        root = getattr(sets, name)
        if root is None:
            continue
        path = keep / f"{name}.json"
        kept = Report.read(path) if path.is_file() else None
        if kept and _still_holds(kept, model.info, name, root, split) and (name != "crowd" or _picture(keep)):
            tell(f"{name}: {path} is of these weights and this set")
            reports[name] = kept
            continue
        tell(f"{name}: measuring on {root}")
        reports[name] = way(root)
        reports[name].save(path)
    return reports


def digests(info: WeightsInfo) -> set[str]:
    """Of this file, and of the file it was before the figures that it carries were written into it."""
    told = [metric.get("protocol", {}).get("sha256") for metric in info.metadata.get("metrics", ())]
    return {info.sha256, *filter(None, told)}


def _still_holds(kept: Report, info: WeightsInfo, name: str, root: Path, split: str) -> bool:
    """Whether a report is of these weights, and of this set as far as its name, split and seed tell."""
    wanted = {"lsp": f"LSP {split}", "outdoor": "outdoor test", "crowd": "outdoor train"}
    wanted["studio"] = {"test": "studio test", "val": "studio validation"}[split]
    told = kept.protocol
    same = str(told.get("set", "")).startswith(wanted[name]) and told.get("sha256") in digests(info)
    return same and told.get("flip_test") is True and (name == "lsp" or told.get("seed") == read_manifest(root)["seed"])


def _picture(keep: Path) -> bool:
    return (keep / PICTURE).is_file()


def _crowd(model: OnnxModel, root: Path, keep: Path) -> Report:
    rendered, rows = open_split(root, "outdoor", "train")
    report, judged = judge_rendered(model, rendered, rows, "train-mean", True, "train")
    name = str(report.protocol["set"])
    failure_sheet(judged, rendered, rows, keep / PICTURE)
    further = (circumstances(judged, rendered, rows, name), kinds_table(judged, name))
    return Report(report.protocol, report.metrics, (*report.tables, *further))


def write_card(
    out: Path, model: OnnxModel, size_bytes: int, reports: dict, keep: Path, bench: Path | None, notes: Path | None,
    command: str,
) -> None:  # fmt: skip
    """Compose the page, and put the picture of failures beside it under the same name."""
    picture = out.with_suffix(".jpg")
    make_folder(out.parent)
    if "crowd" in reports:
        shutil.copyfile(keep / PICTURE, picture)
    timed = _read_json(bench, "JSON of `wildpose bench predict --out`") if bench else None
    if notes and not notes.is_file():
        raise InputError("a text file for --notes", f"{notes}", "check the path")
    noted = notes.read_text() if notes else ""
    write_atomically(out, compose(model.info, size_bytes, reports, timed, noted, picture.name, command).encode())


def _read_json(path: Path, what: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{what} at {path}", repr(error), "check the path") from None


def compose(
    info: WeightsInfo,
    size_bytes: int,
    reports: dict[str, Report],
    bench: dict[str, Any] | None,
    notes: str,
    picture: str,
    command: str,
) -> str:
    """The page as Markdown."""
    told = info.metadata
    count = told.get("parameters")
    networks = told["architecture"].get("members", [told["architecture"]])
    sizes = " and ".join(
        f"{each.get('stacks', '?')} stacks of {each.get('features', '?')} features" for each in networks
    )
    refined = ", refined to a pose" if networks[0].get("refiner_width") else ""
    facts = {
        "what it is": f"{told['architecture'].get('kind', '?')}, {sizes}"
        + (f", {count:,} parameters" if count else ""),
        "in": f"a square RGB crop around one person, {info.input_px} px (the box's larger side x {info.crop_scale})",
        "out": f"2D: {info.heatmap_px} px heatmaps of the 16 joints of MPII; 3D: depth of each joint relative to the "
        f"pelvis{refined}; in mm by a mean adult's bones ({info.bone_sum_mm:.0f} mm in all)",
        "file": f"{size_bytes / 1e6:.2f} MB, ONNX, sha256 `{info.sha256}`",
        "licence": str(told.get("license", "not stated")),
    }
    lines = [
        f"# Model card: {info.name}",
        "",
        "Written by `wildpose card`; every figure below is measured by it unless a line says otherwise.",
        "",
        *markdown(("", ""), list(facts.items())),
        "",
        *_headline(reports, bench),
        "",
        INTENDED,
        "",
        *training(told, notes),
        "",
        "## Results",
        "",
        *_results(reports),
        *_people(reports, picture),
        "## Speed",
        "",
        *_speed(bench),
        "",
        LIMITS,
        "",
        "## This card again",
        "",
        f"    {command}",
        "",
        "Protocols: [studio.md](studio.md), [architecture.md](architecture.md). Training: [training.md](training.md).",
    ]
    return "\n".join(lines) + "\n"


def _headline(reports: dict[str, Report], bench: dict[str, Any] | None) -> list[str]:
    rows = []
    for name, shown in (
        ("lsp", {"PCK@0.2 of the torso": ("pck_torso_0.2", "%"), "strict PCP": ("pcp_strict_0.5", "%")}),
        ("studio", {"P1": ("mpjpe_p1_mm", "mm"), "P2": ("pa_mpjpe_p2_mm", "mm")}),
        ("outdoor", {"PCK at 150 mm": ("pck3d_150", "%"), "AUC": ("auc", "%"), "P2": ("pa_mpjpe_p2_mm", "mm")}),
    ):
        if name in reports:
            told = reports[name]
            figures = ", ".join(f"{what} {told.metrics[key]:.1f} {unit}" for what, (key, unit) in shown.items())
            rows.append((f"{told.protocol['set']}, {told.protocol['count']:,} images, boxes given", figures))
        else:
            rows.append((SETS[name], MISSING.format(flag=f"--{name} DIR")))
    speed = f"{bench['parts']['whole']['median']:.1f} ms" if bench else MISSING.format(flag="--bench FILE")
    rows.append(("one person, box to 3D pose, 2 threads" if not bench or bench["threads"] == 2 else
                 f"one person, box to 3D pose, {bench['threads']} threads", speed))  # fmt: skip
    return markdown(("in short", ""), rows)


def _table(report: Report, title: str) -> Table:
    return next(table for table in report.tables if title in table.title)


def _results(reports: dict[str, Report]) -> list[str]:
    lines = []
    if "lsp" in reports:
        told = reports["lsp"]
        lines += [f"### Per joint: {told.protocol['set']}, photos", "", f"{_how(told)}.", ""]
        for table in told.tables:
            lines += [f"{table.title}", "", *markdown(("", *table.columns), list(table.rows.items())), ""]
    for name, what in (("studio", "action"), ("outdoor", "activity")):
        if name not in reports:
            continue
        told = reports[name]
        columns = {
            "P1, mm": (_table(told, "Protocol #1, MPJPE, per"), "wildpose"),
            "P2, mm": (_table(told, "Protocol #2"), "wildpose"),
            "floor of P2": (_table(told, "Protocol #2"), "floor"),
            "PCK at 150 mm": (_table(told, f"14 joints, per {what}"), "PCK wildpose"),
            "AUC": (_table(told, f"14 joints, per {what}"), "AUC wildpose"),
            "images": (_table(told, "Protocol #1, MPJPE, per"), "images"),
        }
        lines += [f"### Per {what}: {told.protocol['set']}, rendered", "", f"{_how(told)}, scale rule "
                  f"{told.protocol['scale_rule']}, people {told.protocol['subjects']}, seed {told.protocol['seed']}. "
                  "Floor: true heatmaps and true depth through the same path.", "",
                  *transposed(what, columns), ""]  # fmt: skip
    return lines


def _how(report: Report) -> str:
    return f"{report.protocol['count']:,} images, boxes given, averaged with the mirrored image as predict does"


def _people(reports: dict[str, Report], picture: str) -> list[str]:
    if "crowd" not in reports:
        return ["## Groups of people, known failures", "", MISSING.format(flag="--crowd DIR"), ""]
    told = reports["crowd"]
    groups = [table for table in told.tables if "group of people" in table.title]
    lines = ["## Results per skin tone and build", "", CROWD.format(**told.protocol), ""]
    if groups:
        lines += [*markdown(("", *groups[0].columns), list(groups[0].rows.items())), ""]
        lines += [*groups_verdict(groups[0], told.metrics), "", GROUPS, ""]
    else:
        lines += ["The set doesn't record who is in its pictures: render it anew.", ""]
    lines += ["## Known failures", "", FAILURES, ""]
    for title in ("kinds of failure", "by circumstance"):
        table = _table(told, title)
        lines += [f"{table.title}.", "", *markdown(("", *table.columns), list(table.rows.items())), ""]
    return [*lines, f"![The worst of each kind of failure: what was found beside the truth]({picture})", ""]


def _speed(bench: dict[str, Any] | None) -> list[str]:
    if bench is None:
        return [MISSING.format(flag="--bench FILE") + ", a file that `wildpose bench predict --out FILE` wrote"]
    on, of = bench["machine"], bench["weights"]
    load, (height, width) = bench.get("load_per_core"), bench["image_hw"]
    rows = [(part, (v["median"], v["p10"], v["p90"])) for part, v in bench["parts"].items()]
    return [
        *markdown(("ms", "median", "p10", "p90"), rows, digits=2),
        "",
        f"{bench['runs']} runs, {bench['threads']} threads, one person in {width}x{height} px, weights {of['name']} "
        f"({of['sha256'][:12]}, input {of['input_px']} px); {on['cpu']}, {on['cores']} cores, {on['system']}, "
        f"Python {on['python']}" + (f"; load per core before {load}" if load is not None else "") + ".",
    ]
