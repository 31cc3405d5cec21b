"""Before and after, with poses whose errors are known."""

from pathlib import Path

import numpy as np
import pytest
from made_up_people import Informed, Photos

from wildpose.adapt.judge import NOT_JUDGED, Answers, compare, figures_of, interval, verdict
from wildpose.adapt.photos import Whole
from wildpose.data.people import People
from wildpose.evaluate import predict_set
from wildpose.metrics import torso_diameter


def answers(off_px: float) -> Answers:
    photos = Photos(n=30)
    found, _, truth = predict_set(Informed(photos, off_px=(off_px, 0.0)), photos)
    return Answers(found, truth, np.full(len(truth.mask), 7.0), {"studio_p1_mm": 100.0, "studio_p2_mm": 80.0 + off_px})


def photos_of(truth, each: int = 1) -> Whole:
    names = np.array([f"{i // each}.jpg" for i in range(len(truth.mask))])
    boxes = np.zeros((len(names), 4), np.float32)
    return Whole(People(Path("nowhere"), names, truth.joints_px, truth.mask, boxes))


def test_the_error_is_the_distance_in_torsos():
    told = answers(12.0)
    expected = 100 * np.mean(12.0 / torso_diameter(told.truth.joints_px))
    assert figures_of(told)["error_percent_of_torso"] == pytest.approx(expected, rel=0.05)
    assert figures_of(answers(0.0))["pck_torso_0.2"] == 100.0


def test_better_worse_and_no_difference():
    good, bad = answers(0.0), answers(40.0)
    photos = photos_of(good.truth, each=3)
    better, worse = (compare(*pair, photos, {"before": "x"}) for pair in ((bad, good), (good, bad)))
    same = compare(good, good, photos, {})
    assert [r.protocol["verdict"] for r in (better, worse, same)] == ["better", "worse", "no clear difference"]
    change = better.metrics["after/pck_torso_0.2"] - better.metrics["before/pck_torso_0.2"]
    low, high = (better.metrics[f"change/pck_{end}"] for end in ("low", "high"))
    assert low < change < high and better.protocol["held_out"] == "10 photos, 30 people, boxes of the labels"
    assert better.tables[0].rows["studio, held-out person: P2, mm"] == (120.0, 80.0, -40.0)
    assert "before" in better.text() and better.json()


def test_people_in_one_photo_are_drawn_together():
    good, bad = answers(0.0), answers(25.0)
    change = figures_of(good)["pck_torso_0.2"] - figures_of(bad)["pck_torso_0.2"]
    assert interval(bad, good, np.full(30, "one.jpg")) == pytest.approx((change, change))
    low, high = interval(bad, good, np.array([f"{i}.jpg" for i in range(30)]))
    assert low < change < high and verdict(low, high) == "better"


def test_without_torso_nobody_is_counted_but_plausibility_is():
    told = answers(5.0)
    truth = told.truth
    joints = truth.joints_px.copy()
    joints[:20, 13] = np.nan
    mask = truth.mask.copy()
    mask[:20, 13] = False
    some = Answers(told.poses, type(truth)(joints, mask, None), told.mirror, {})
    report = compare(some, some, photos_of(some.truth), {})
    assert "of 10 people with a torso" in report.protocol["metric_2d"]
    assert np.isfinite(report.metrics["after/limb_asymmetry_percent"])
    assert "after/studio_p1_mm" not in report.metrics


def test_without_labels_nobody_says_whether_it_got_better():
    told = answers(5.0)
    nowhere = np.full_like(told.truth.joints_px, np.nan)
    some = Answers(told.poses, type(told.truth)(nowhere, np.zeros_like(told.truth.mask), None), told.mirror, {})
    report = compare(some, some, photos_of(some.truth), {})
    assert report.protocol["verdict"] == NOT_JUDGED and "detector" in report.protocol["held_out"]
    assert report.metrics["after/mirror_percent_of_box"] == 7.0
    assert not any("pck" in name or "torso" in name for name in report.metrics)
    assert "change_of_pck" not in report.protocol and len(report.tables) == 1
