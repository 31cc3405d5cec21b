"""What the detector learns from: scenes whose boxes are true, targets and losses by hand; and measures."""

import numpy as np
import pytest
import torch
from fake_weights import COLORS
from made_detector import DATA, Dotted

from wildpose.detector.data import SceneBatches, coarse, look_into
from wildpose.detector.model import PeopleNet, Wanted, aims, generalised_overlap, losses, maps
from wildpose.detector.scenes import Labelled, canvas_rectangle, compose, paste, split
from wildpose.detector.validate import judge
from wildpose.predict.detect import Detections


def plain(image, _augment, _rng):
    return image


def dots_in(image: np.ndarray) -> np.ndarray:
    """Places (x, y) of px that have one of the joints' colours."""
    apart = np.abs(image[:, :, None].astype(int) - COLORS.astype(int)).max(-1).min(-1)
    return np.argwhere(apart < 12)[:, ::-1]


def test_boxes_of_a_scene_lie_around_its_people(monkeypatch):
    """One person in each scene: every dot that is seen is in the box, and the box reaches no farther than the dots,
    unless the picture's or the tile's edge cuts the person."""
    monkeypatch.setattr("wildpose.detector.scenes.recolour", plain)
    monkeypatch.setattr("wildpose.detector.scenes.in_bad_light", lambda rng, image: image)
    monkeypatch.setattr("wildpose.detector.scenes.POOR_SHARE", 0.0)
    monkeypatch.setattr("wildpose.detector.scenes.CAMOUFLAGED", 0.0)
    monkeypatch.setattr("wildpose.detector.scenes.TILES", (1,))
    monkeypatch.setattr("wildpose.detector.scenes.TILE_SHARES", (1.0,))
    monkeypatch.setattr("wildpose.detector.scenes.PEOPLE_SHARES", (0.0, 1.0, 0.0))
    whole = 0
    for k in range(60):
        scene = compose(np.random.default_rng(k), 128, DATA.draw, DATA.draw_view)
        dots = dots_in(scene.image_rgb)
        if len(scene.boxes_ltrb) == 0 or len(dots) == 0:
            continue
        (box,) = scene.boxes_ltrb
        radius = 0.05 * (box[2:] - box[:2]).max() + 2  # of a dot
        assert (dots >= box[:2] - radius).all() and (dots <= box[2:] + radius).all()
        if (box[:2] > 3).all() and (box[2:] < 124).all():
            sides = [*dots.min(0), *dots.max(0)]
            whole += bool(np.abs(box - sides).max() <= radius + 3)
    assert whole >= 12


def test_a_scene_is_certain_where_no_photo_lies_and_black_beside_the_canvas():
    for k in range(20):
        scene = compose(np.random.default_rng(k), 128, DATA.draw, DATA.draw_view)
        assert set(np.unique(scene.certainty)) <= {0.0, 0.5, 1.0}
        x0, y0, x1, y1 = canvas_rectangle(np.random.default_rng(k), 128)
        outside = np.ones((128, 128), bool)
        outside[y0:y1, x0:x1] = False
        assert (scene.certainty[outside] == 1).all()


def test_tiles_cover_the_canvas_once():
    for count in (1, 2, 5):
        covered = np.zeros((90, 120), int)
        for x0, y0, x1, y1 in split(np.random.default_rng(count), (10, 5, 110, 85), count):
            covered[y0:y1, x0:x1] += 1
        assert (covered[5:85, 10:110] == 1).all() and covered.sum() == 80 * 100


def test_batches_depend_on_the_seed_and_their_number_alone():
    first, again = SceneBatches(DATA, 2, 64, 3), SceneBatches(DATA, 2, 64, 3)
    first[0]
    assert torch.equal(first[4][0], again[4][0]) and torch.equal(first[4][1].heat, again[4][1].heat)
    assert not torch.equal(first[4][0], first[5][0])
    assert not torch.equal(first[4][0], SceneBatches(DATA, 2, 64, 4)[4][0])


def test_a_level_view_has_the_horizon_of_its_panorama():
    """White above the horizon, black below: whatever the view's direction, white only above black."""
    panorama = np.zeros((128, 256, 3), np.float32)
    panorama[:64] = 1.0
    view = look_into(np.random.default_rng(0), panorama).mean(-1)
    assert view[:20].mean() > view[-20:].mean() + 60
    sideways = np.abs(np.diff(view[:, 20:-20].mean(0))).max()
    assert sideways < 20


def test_targets_by_hand():
    boxes = torch.tensor([[8.0, 0.0, 40.0, 64.0], [36.0, 36.0, 44.0, 44.0]])
    target = aims(boxes, torch.ones(8, 8))
    # middles (24, 32) and (40, 40) lie in columns 3 and 5, rows 4 and 5 of 8 px each
    assert (target["heat"] == 1).nonzero().tolist() == [[4, 3], [5, 5]]
    assert target["boxes_ltrb"][:, 4, 3].tolist() == [8, 0, 40, 64]
    assert target["boxes_ltrb"][:, 5, 5].tolist() == [36, 36, 44, 44]  # the smaller one, though the larger is near
    assert target["box_weight"].sum() == pytest.approx(2.0, abs=0.25)
    assert target["heat"][0, 7] == 0 and target["box_weight"][0, 7] == 0
    assert aims(torch.zeros(0, 4), torch.ones(8, 8))["heat"].sum() == 0


def test_a_middle_outside_still_has_its_peak_at_the_edge():
    heat = aims(torch.tensor([[-20.0, 8.0, 12.0, 40.0]]), torch.ones(8, 8))["heat"]
    assert (heat == 1).nonzero().tolist() == [[3, 0]]


def test_generalised_overlap_by_hand():
    def box(*sides: float) -> torch.Tensor:
        return torch.tensor(sides).float().reshape(1, 4, 1, 1)

    assert generalised_overlap(box(0, 0, 10, 10), box(0, 0, 10, 10)).item() == pytest.approx(1)
    # 50 of 150 shared, nothing of the box around both is left over
    assert generalised_overlap(box(0, 0, 10, 10), box(5, 0, 15, 10)).item() == pytest.approx(1 / 3)
    # apart: 0 of 200 shared; of the 300 around both, 100 belong to neither
    assert generalised_overlap(box(0, 0, 10, 10), box(20, 0, 30, 10)).item() == pytest.approx(-1 / 3)


def targets(certainty: torch.Tensor) -> Wanted:
    target = aims(torch.tensor([[8.0, 8.0, 40.0, 56.0]]), certainty)
    return Wanted(**{name: value[None] for name, value in target.items()})


def test_false_alarms_count_as_much_as_their_place_is_certain():
    torch.manual_seed(0)
    found = PeopleNet().eval()(torch.zeros((1, 64, 64, 3), dtype=torch.uint8))
    sure, unsure, half = (losses(found, targets(torch.full((8, 8), c)))["middle"].item() for c in (1.0, 0.0, 0.5))
    assert unsure < half < sure
    assert half == pytest.approx((sure + unsure) / 2, rel=1e-5)


def test_maps_put_distances_around_their_places():
    found = PeopleNet().eval()(torch.zeros((1, 64, 96, 3), dtype=torch.uint8))
    scores, boxes = maps(found)
    assert scores.shape == (1, 8, 12) and boxes.shape == (1, 4, 8, 12)
    # row 2, column 5: px 16..23 and 40..47
    reach = found.reach_px[0, :, 2, 5]
    wanted = [43.5 - reach[0], 19.5 - reach[1], 43.5 + reach[2], 19.5 + reach[3]]
    torch.testing.assert_close(boxes[0, :, 2, 5], torch.stack(wanted))


def test_measures_by_hand():
    people = [np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]]), np.zeros((0, 4))]
    finds = [
        Detections(np.array([[0.0, 0, 10, 10], [1, 0, 10, 10], [80, 80, 5, 5], [52, 50, 10, 10]]),
                   np.array([0.9, 0.8, 0.6, 0.4])),
        Detections(np.array([[3.0, 3, 9, 9]]), np.array([0.5])),
    ]  # fmt: skip
    answers = iter(finds)
    outcome = judge(lambda _: next(answers), [(np.zeros((1, 1, 3), np.uint8), truth) for truth in people])
    assert outcome.hits.tolist() == [True, False, False, True, False]  # the second box repeats the first person
    assert outcome.overlap[3] == pytest.approx(80 / 120)
    assert (outcome.recall(0.3), outcome.recall(0.5)) == (1.0, 0.5)
    assert (outcome.per_picture(0.3), outcome.per_picture(0.55)) == (2.5, 1.5)
    assert outcome.precision(0.55) == pytest.approx(1 / 3) and outcome.precision(0.95) == 1.0


def test_certainty_of_a_place_is_the_least_of_its_px():
    sure = np.ones((16, 16), np.float32)
    sure[3, 9] = 0.25
    np.testing.assert_array_equal(coarse(sure), [[1, 0.25], [1, 1]])


def test_a_person_hardly_seen_is_neither_wanted_nor_missed(monkeypatch):
    """Too large for the tile, and only those of whom nine tenths are seen are to be found."""
    monkeypatch.setattr("wildpose.detector.scenes.SEEN", 0.9)
    labels = []
    for k in range(40):
        tile, sure = np.full((40, 40, 3), 60, np.uint8), np.ones((40, 40), np.float32)
        box = paste(np.random.default_rng(k), tile, sure, Labelled(Dotted().load(0), 0.5), 1.0)
        labels.append(box is not None)
        assert labels[-1] == bool((sure > 0).all())
    assert 0 < sum(labels) < 40


def test_a_camouflaged_person_is_as_bright_as_what_is_behind(monkeypatch):
    from wildpose.detector import scenes

    monkeypatch.setattr(scenes, "LIKENESS", (1.0, 1.0))
    rng = np.random.default_rng(0)
    picture, tile = rng.integers(100, 140, (2, 40, 50, 3), np.uint8)
    share = rng.uniform(0, 1, (40, 50)).astype(np.float32)
    alike = scenes._as_bright_as(rng, picture, tile, share)
    means = [np.average(image.reshape(-1, 3), 0, share.ravel()) for image in (alike, tile)]
    assert np.allclose(*means, atol=1e-2)
    assert np.allclose(alike - picture, (alike - picture)[0, 0], atol=1e-2)  # moved as a whole
