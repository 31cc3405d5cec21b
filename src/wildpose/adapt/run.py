"""One adaptation, from photos and labels to weights and a report.

W.adapt/ beside W.onnx holds what it works with: run.json (what this run is), outdoor/ (if it was rendered here),
adversarial/ (the trainer's folder: settings, log, curves, checkpoints), refine/ (a checkpoint, if the weights have a
refiner), report.json and before-after.jpg. The same command goes on after a kill.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from wildpose.adapt.judge import ask, compare
from wildpose.adapt.photos import (
    CutOuts,
    Whole,
    cut_out_labelled,
    cut_out_unlabelled,
    digest,
    digests,
    list_photos,
    split,
    without,
)
from wildpose.adapt.picture import draw_before_after
from wildpose.adapt.settings import REFINING, RENDERED_IMAGES, RENDERED_SEED, STUDIO_SHARE, UNLABELLED_SHARE
from wildpose.config import TrainConfig
from wildpose.data.kinds import KINDS_3D
from wildpose.data.mix import Mixed, TrainData
from wildpose.data.own_photos import OwnPhotos, load_own
from wildpose.data.sample import SampleSet
from wildpose.data.studio import MANIFEST
from wildpose.errors import InputError
from wildpose.export import describe, export_onnx, load_generator
from wildpose.predict.estimator import PoseEstimator
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
    labels: Path
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
        return self.out.with_suffix(".adapt")


@dataclass(frozen=True)
class Prepared:
    """A user's photos, read and cut."""

    labelled: CutOuts
    watched: CutOuts
    """The held-out people, cut out as well, to watch the run."""
    held_out: Whole
    """The same in their photos, to judge it."""
    unlabelled: CutOuts | None
    content: str
    """One digest of all that was learnt from."""

    def describe(self) -> str:
        """In words, for the terminal."""
        train, held_out = len(self.labelled), len(self.held_out)
        more = f", {len(self.unlabelled)} people without labels" if self.unlabelled else ""
        photos = len(set(self.held_out.people.images.tolist()))
        return f"{train} labelled people to learn from, {held_out} in {photos} photos held out{more}"


def adapt_weights(task: Task, config: TrainConfig, notify: Notify = tell) -> Report:
    """Prepare, train, write the weights, judge; returns the report, which lies in the folder as well.

    Raises InputError for input that can't be used (before anything is written), a folder that holds another run, and
    all that run_phase raises; Interrupted after SIGTERM or Ctrl-C while it trains.
    """
    own = load_own(task.photos, task.labels)
    if own.left_out:
        notify(f"{own.left_out} annotated people left out: too few labelled joints, or too small")
    prepared = prepare(task, own, config)
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
    draw_before_after(start, OnnxModel.load(task.out), prepared.held_out, task.folder / "before-after.jpg")
    return report


def prepare(task: Task, own: OwnPhotos, config: TrainConfig) -> Prepared:
    """Split and cut out the people; InputError for photos that can't be read or that the labels don't fit."""
    people, side = own.people, config.model.input_px
    content = digests(people)
    train, held_out = (people.take(rows) for rows in split(people, content))
    unlabelled, paths = None, []
    if task.unlabelled is not None:
        paths = without(list_photos(task.unlabelled), set(content.values()))
        if not paths:
            got = f"{task.unlabelled}, in which all are labelled"
            raise InputError("unlabelled photos beside the labelled ones", got, "leave --unlabelled out")
    labelled = cut_out_labelled(train.with_pelvis(), own.sizes_wh, side)
    watched = cut_out_labelled(held_out, own.sizes_wh, side)
    if paths:
        unlabelled = cut_out_unlabelled(paths, PoseEstimator(task.weights), side)
    known = [digest(task.labels), *sorted(content.values()), *(digest(path) for path in paths)]
    return Prepared(labelled, watched, Whole(held_out), unlabelled, hashlib.sha256("".join(known).encode()).hexdigest())


def gather(
    prepared: Prepared, rendered: dict[str, SampleSet], studio_val: SampleSet | None, bone_sum_mm: float
) -> TrainData:
    """Photos with labels, mixed with those without, as the wild side; rendered sets, by their kinds, as the other. The
    scale stays that of the weights."""
    wild = prepared.labelled
    described = [{"name": "own photos, 2D labels", "terms": TERMS, "samples": len(wild)}]
    if prepared.unlabelled is not None:
        described.append({"name": "own photos, no labels", "terms": TERMS, "samples": len(prepared.unlabelled)})
        wild = Mixed([wild, prepared.unlabelled], [1 - UNLABELLED_SHARE, UNLABELLED_SHARE])
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
