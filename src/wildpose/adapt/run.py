"""One adaptation, from photos and labels to weights and a report.

W.adapt/ beside W.onnx holds what it works with: run.json (what this run is), outdoor/ (if it was rendered here),
adversarial/ (the trainer's folder: settings, log, curves, checkpoints), refine/ (a checkpoint, if the weights have a
refiner), report.json and before-after.jpg. The same command goes on after a kill.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from wildpose.adapt.judge import ask, compare
from wildpose.adapt.photos import OWN_FOLDER, digest
from wildpose.adapt.picture import draw_before_after
from wildpose.adapt.prepare import Prepared, prepare_labelled, prepare_unlabelled
from wildpose.adapt.settings import REFINING, RENDERED_IMAGES, RENDERED_SEED, STUDIO_SHARE, UNLABELLED_SHARE
from wildpose.config import TrainConfig
from wildpose.data.kinds import KINDS_3D
from wildpose.data.mix import Mixed, TrainData
from wildpose.data.own_photos import load_own
from wildpose.data.sample import SampleSet
from wildpose.data.studio import MANIFEST
from wildpose.errors import InputError
from wildpose.export import describe, export_onnx, load_generator
from wildpose.predict.mirrored import Mirrored
from wildpose.predict.onnx_model import OnnxModel
from wildpose.report import Report
from wildpose.reproduce.network import load_network
from wildpose.studio.generate import generate
from wildpose.train.loop import Notify, run_phase, tell
from wildpose.train.refine import refine

FORMAT = "wildpose-adapt/3"
TERMS = "its owner's own photos"


@dataclass(frozen=True)
class Task:
    """What is to be adapted to what."""

    photos: Path
    labels: Path | None
    """None: nothing is labelled, the adversarial loss has to do it alone."""
    out: Path
    """The weights file to write."""
    weights: Path
    """Those to start from: a weights file, or `default`."""
    outdoor: Path | None = None
    """A rendered set; None: one is rendered into the run's folder."""
    studio: Path | None = None
    """Another, mixed in; its held-out person is watched."""
    unlabelled: Path | None = None
    """Folder of photos without labels."""

    @property
    def folder(self) -> Path:
        return self.out.with_suffix(OWN_FOLDER)


def adapt_weights(task: Task, config: TrainConfig, notify: Notify = tell) -> Report:
    """Prepare, train, write the weights, judge; returns the report, which lies in the folder as well.

    Raises InputError for input that can't be used (before anything is written), a folder that holds another run, and
    all that run_phase raises; Interrupted after SIGTERM or Ctrl-C while it trains.
    """
    prepared = prepare(task, config.model.input_px, notify)
    notify(prepared.describe())
    start = OnnxModel.load(task.weights)
    given = {"outdoor": task.outdoor, "studio": task.studio}
    opened = {name: KINDS_3D[name].open(path) for name, path in given.items() if path}  # or refused: nothing is written
    claim(task, prepared, start, config)
    if not task.outdoor:
        opened["outdoor"] = KINDS_3D["outdoor"].open(render_outdoor(task, notify))
    studio_val = opened["studio"][1] if task.studio else None
    rendered = {name: samples for name, (samples, _) in opened.items()}
    data = gather(prepared, rendered, studio_val, start.info.bone_sum_mm)
    checkpoint = run_phase(config, "adversarial", data, task.folder, task.weights, notify=notify)
    if width := config.model.refiner_width:
        notify("the refiner of 3D poses learns what the network errs in now")
        checkpoint = refine(checkpoint, data, task.folder, replace(REFINING, width=width, seed=config.seed), notify)
    report = compare(
        ask(start, prepared.held_out, studio_val),
        ask(load_network(checkpoint, torch.device("cpu")), prepared.held_out, studio_val),
        prepared.held_out,
        {"before": f"{start.info.name}, sha256 {start.info.sha256[:12]}", "after": f"{task.out.name}"},
    )
    generator, state = load_generator(checkpoint)
    told = json.loads(report.json())  # with null for what could not be counted
    figures = {"protocol": {"set": "held-out own photos"} | told["protocol"], "metrics": told["metrics"]}
    export_onnx(generator, describe(generator, state, task.out.stem, [figures]), task.out)
    report.save(task.folder / "report.json")
    draw_before_after(
        Mirrored(start), Mirrored(OnnxModel.load(task.out)), prepared.held_out, task.folder / "before-after.jpg"
    )
    return report


def prepare(task: Task, side: int, notify: Notify) -> Prepared:
    if task.labels is None:
        return prepare_unlabelled(task.photos, task.weights, side)
    own = load_own(task.photos, task.labels)
    if own.left_out:
        notify(f"{own.left_out} annotated people left out: too few labelled joints, or too small")
    return prepare_labelled(own, task.labels, task.unlabelled, task.weights, side)


def gather(
    prepared: Prepared, rendered: dict[str, SampleSet], studio_val: SampleSet | None, bone_sum_mm: float
) -> TrainData:
    """Photos with labels, mixed with those without, as the wild side; rendered sets, by their kinds, as the other. The
    scale stays that of the weights."""
    own = {"2D labels": prepared.labelled, "no labels": prepared.unlabelled}
    parts = {name: people for name, people in own.items() if people is not None}
    described = [{"name": f"own photos, {name}", "terms": TERMS, "samples": len(p)} for name, p in parts.items()]
    wild, *more = parts.values()
    if more:
        wild = Mixed([wild, *more], [1 - UNLABELLED_SHARE, UNLABELLED_SHARE])
    for name, samples in rendered.items():
        kind = KINDS_3D[name]
        described.append({"name": kind.title, "terms": kind.terms, "samples": len(samples)})
    people = rendered["outdoor"]
    if "studio" in rendered:
        people = Mixed([people, rendered["studio"]], [1 - STUDIO_SHARE, STUDIO_SHARE])
    return TrainData(wild, people, prepared.watched, studio_val, bone_sum_mm, tuple(described))


def render_outdoor(task: Task, notify: Notify) -> Path:
    """A small set of the package's own people, poses and places; goes on, or is there already, the second time."""
    notify(f"rendering {RENDERED_IMAGES} outdoor pictures; `--outdoor DIR` takes a set that is there already")
    return generate("outdoor", task.folder / "outdoor", RENDERED_IMAGES, RENDERED_SEED, workers=2)


def claim(task: Task, prepared: Prepared, start: OnnxModel, config: TrainConfig) -> None:
    """Note what this folder is for, or find that it is for just that: a run must not go on with other data."""
    rendered_here = f"{RENDERED_IMAGES} pictures, seed {RENDERED_SEED}"
    wanted: dict[str, Any] = {
        "format": FORMAT,
        "weights": start.info.sha256,
        "photos and labels": prepared.content,
        "outdoor": digest(task.outdoor / MANIFEST) if task.outdoor else rendered_here,
        "studio": digest(task.studio / MANIFEST) if task.studio else "none",
        "settings": json.loads(json.dumps(asdict(config) | {"refining": asdict(REFINING)})),
    }
    path = task.folder / "run.json"
    if path.is_file():
        try:
            found = json.loads(path.read_text())
            other = [name for name, value in wanted.items() if found[name] != value]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"JSON written by wildpose adapt in {path}", str(error), "remove that folder") from None
        if other:
            fix = "give another --out, or remove that folder"
            raise InputError(f"a run of the same {', '.join(other)} in {task.folder}", "one of others", fix)
        return
    task.folder.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(wanted, indent=1))
    os.replace(draft, path)
