"""Errors per group of people: the groups that a set records, each beside its own truth; sets without have no table."""

import numpy as np
import pytest
from made_up_people import Informed, People, with_people, write_rendered

from wildpose.cli import main
from wildpose.errors import InputError
from wildpose.evaluate import evaluate_studio


class OffForSome(Informed):
    """Finds every second pair of people 30 px aside."""

    def run(self, crops_rgb):
        parts = []
        for crop in crops_rgb:
            self.off_px = np.array([30.0 * (self.next // 2 % 2), 0.0])
            parts.append(super().run(crop[None]))
        return tuple(map(np.concatenate, zip(*parts, strict=True)))


def test_each_group_has_its_own_errors(tmp_path):
    people = People(n=12)
    folder = with_people(write_rendered(tmp_path / "set", people, "outdoor", splits=("test",)), 12)
    report = evaluate_studio(OffForSome(people, people.bone_sum_mm), folder, kind="outdoor")
    table = report.tables[-1]
    assert "per group of people" in table.title and "12 images" in table.title
    rows = {name: dict(zip(table.columns, row, strict=True)) for name, row in table.rows.items()}
    assert list(rows) == [
        *("skin tone: light", "skin tone: dark", "build: slight", "build: heavy", "stature: under 1.65 m"),
        *("stature: over 1.80 m", "age: older", "sex: female", "sex: male"),
    ]
    right, wrong = rows["skin tone: light"], rows["skin tone: dark"]
    assert right["images"] == wrong["images"] == 6 and rows["age: older"]["images"] == 12
    assert right["2D PCK@0.2"] == 100.0 and wrong["2D PCK@0.2"] < 60.0
    assert right == rows["build: slight"] == rows["sex: male"]
    assert report.metrics["pa_mpjpe_p2_mm"] == pytest.approx((right["P2"] + wrong["P2"]) / 2)


def test_a_set_that_records_nobody_has_no_such_table(tmp_path):
    people = People(n=6)
    folder = write_rendered(tmp_path / "set", people, splits=("test",))
    tables = evaluate_studio(Informed(people, people.bone_sum_mm), folder).tables
    assert not [table for table in tables if "group of people" in table.title]


def test_the_training_split_is_judged_where_people_are_whole(tmp_path):
    people = People(n=8)
    folder = write_rendered(tmp_path / "set", people, splits=("train",))
    report = evaluate_studio(Informed(people, people.bone_sum_mm), folder, split="train")
    assert report.protocol["set"] == "studio train split, whole people" and report.protocol["count"] == 8
    with pytest.raises(InputError, match="split val"):
        evaluate_studio(Informed(people), folder, split="val")
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "--data", "studio", "--root", str(folder)])  # there is no test split
