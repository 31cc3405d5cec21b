"""How good a detector is: people found, boxes in each picture, false alarms where there is nobody. NumPy only."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from wildpose.data.sample import SampleSet
from wildpose.detector.data import PeopleData
from wildpose.detector.scenes import Labelled, compose, joints_box
from wildpose.predict.detect import Detections, as_ltrb, overlaps

Find = Callable[[np.ndarray], Detections]
"""A picture (RGB, H x W x 3) to the people in it, surest first, down to a low score."""
HIT = 0.5
"""Intersection over union from which a box is a person's."""
SCENES, SCENE_PX = 150, 512


@dataclass(frozen=True)
class Outcome:
    """All that was found in a set of pictures, by which any threshold can be judged."""

    scores: Float[np.ndarray, " D"]
    """Of every box."""
    hits: Bool[np.ndarray, " D"]
    """Whether it is the surest box that overlaps a labelled person who was not yet found."""
    overlap: Float[np.ndarray, " D"]
    """With that person; 0 for no hit."""
    picture: Int[np.ndarray, " D"]
    pictures: int
    people: int
    """Labelled ones."""

    def recall(self, threshold: float) -> float:
        return float((self.hits & (self.scores >= threshold)).sum() / max(self.people, 1))

    def per_picture(self, threshold: float) -> float:
        """Mean number of boxes in a picture."""
        return float((self.scores >= threshold).sum() / max(self.pictures, 1))

    def precision(self, threshold: float) -> float:
        """Share of the boxes that are hits; only meaningful where everyone is labelled."""
        kept = self.scores >= threshold
        return float(self.hits[kept].mean()) if kept.any() else 1.0


def judge(find: Find, pictures: Iterable[tuple[np.ndarray, np.ndarray]]) -> Outcome:
    """Compare with pictures (H, W, 3) and the boxes (N, 4; left, top, right, bottom) of the people labelled in them."""
    scores, hits, shares, numbers = [], [], [], []
    count = people = 0
    for image, truth in pictures:
        found = find(image)
        free = list(range(len(truth)))
        for box, score in zip(as_ltrb(found.boxes_xywh), found.scores, strict=True):
            with_each = overlaps(box, truth[free]) if free else np.zeros(1)
            best = int(with_each.argmax())
            hit = bool(with_each[best] >= HIT)
            if hit:
                free.pop(best)
            scores.append(score)
            hits.append(hit)
            shares.append(with_each[best] if hit else 0.0)
            numbers.append(count)
        count, people = count + 1, people + len(truth)
    return Outcome(
        np.array(scores, float), np.array(hits, bool), np.array(shares, float), np.array(numbers, int), count, people
    )


def photos(samples: SampleSet, every: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures with the box of their one labelled person."""
    for i in range(0, len(samples), every):
        sample = samples.load(i)
        yield sample.image_rgb, joints_box(sample.joints_px[sample.mask])[None].astype(np.float64)


def empty(views: UInt8[np.ndarray, "V S S 3"]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures of nobody."""
    for view in views:
        yield view, np.zeros((0, 4))


def crowded(data: PeopleData) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Scenes of several held-out rendered people, whose boxes are all known but for some bystanders'."""

    def draw(rng: np.random.Generator) -> Labelled:
        return Labelled(data.rendered_val.load(int(rng.integers(len(data.rendered_val)))), 1.0)

    def draw_view(rng: np.random.Generator) -> np.ndarray:
        return data.views_val[rng.integers(len(data.views_val))]

    for k in range(SCENES):
        scene = compose(np.random.default_rng((43, k)), SCENE_PX, draw, draw_view)
        yield scene.image_rgb, scene.boxes_ltrb.astype(np.float64)
