"""A user's photos, read, divided and cut: with 2D labels, or without any."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from wildpose.adapt.photos import (
    CutOuts,
    Whole,
    box_people,
    cut_out_labelled,
    cut_out_unlabelled,
    digest,
    digests,
    held_out_digests,
    list_photos,
    split,
    without,
)
from wildpose.data.own_photos import OwnPhotos
from wildpose.errors import InputError
from wildpose.predict.estimator import PoseEstimator


@dataclass(frozen=True)
class Prepared:
    """What is learnt from, and what is held out."""

    labelled: CutOuts | None
    watched: CutOuts | None
    """The held-out people, cut out as well, to watch the run; None without labels."""
    held_out: Whole
    """The held-out people in their photos, to judge it."""
    unlabelled: CutOuts | None
    content: str
    """One digest of all that was learnt from."""

    def describe(self) -> str:
        """In words, for the terminal."""
        counts = {"labelled": self.labelled, "unlabelled": self.unlabelled}
        learnt = " and ".join(f"{len(people)} {name} people" for name, people in counts.items() if people is not None)
        photos = len(set(self.held_out.people.images.tolist()))
        return f"{learnt} to learn from, {len(self.held_out)} people in {photos} photos held out"


def prepare_labelled(own: OwnPhotos, labels: Path, unlabelled: Path | None, weights: Path, side: int) -> Prepared:
    """Divide and cut out the labelled people, and whoever is found in a folder of further photos. InputError for photos
    that can't be read or that the labels don't fit.

    side: of the network's input, px.
    """
    content = digests(own.people)
    train, held_out = (own.people.take(rows) for rows in split(own.people, content))
    paths: list[Path] = []
    if unlabelled is not None:
        paths = without(list_photos(unlabelled, "check --unlabelled"), set(content.values()))
        if not paths:
            got = f"{unlabelled}, in which all are labelled"
            raise InputError("unlabelled photos beside the labelled ones", got, "leave --unlabelled out")
    return Prepared(
        labelled=cut_out_labelled(train.with_pelvis(), own.sizes_wh, side),
        watched=cut_out_labelled(held_out, own.sizes_wh, side),
        held_out=Whole(held_out),
        unlabelled=cut_out_unlabelled(paths, PoseEstimator(weights), side) if paths else None,
        content=_joined(digest(labels), *sorted(content.values()), *map(digest, paths)),
    )


def prepare_unlabelled(photos: Path, weights: Path, side: int) -> Prepared:
    """The same where nothing is labelled: people are looked for, in the photos held out, too. InputError for too few
    photos, photos that can't be read, or nobody in either part of them."""
    content = {path: digest(path) for path in list_photos(photos, "name a folder of photos")}
    chosen = held_out_digests(content.values(), "photos")
    estimator = PoseEstimator(weights)
    watched = {digest: path for path, digest in content.items() if digest in chosen}  # copies are looked at once
    return Prepared(
        labelled=None,
        watched=None,
        held_out=Whole(box_people(photos, sorted(watched.values()), estimator)),
        unlabelled=cut_out_unlabelled([p for p, d in content.items() if d not in chosen], estimator, side),
        content=_joined("no labels", *content.values()),
    )


def _joined(*digests_of_all: str) -> str:
    return hashlib.sha256("".join(digests_of_all).encode()).hexdigest()
