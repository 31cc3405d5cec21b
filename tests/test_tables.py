"""The paper's tables on errors small enough to be reckoned by hand."""

import numpy as np
import pytest

from wildpose import tables
from wildpose.skeleton import MPII16
from wildpose.tables import LSP_JOINTS, Grouping

ERRORS = np.array([10.0, 40.0, 70.0])[:, None] * np.ones(16)
"""Three images, every joint of which is off by the same 10, 40 and 70 mm."""
BY = Grouping("action", np.array(["Sitting", "Walking", "Sitting"]), ("Walking", "Floor", "Sitting"))
AT = {name: i for i, name in enumerate(MPII16.joints)}


def test_table_1_has_a_column_an_action_in_the_given_order_and_the_average_over_images():
    table = tables.per_group("a set: Protocol #1", {"ours": ERRORS}, BY, "3 images, scale rule none")
    assert table.title == "a set: Protocol #1, per action, mm, 3 images, scale rule none"
    assert table.columns == ("Walking", "Floor", "Sitting", "Avg.")
    walking, floor, sitting, average = table.rows["ours"]
    assert (walking, sitting, average) == (40.0, 40.0, 40.0) and np.isnan(floor)
    assert table.rows["images"] == (1, 0, 2, 3)
    assert table.text().splitlines()[2].split() == ["ours", "40.0", "-", "40.0", "40.0"]


def test_table_1_average_weighs_every_image_alike():
    errors = ERRORS.copy()
    errors[1] = 130.0  # walking 130, sitting (10 + 70) / 2: over actions 85, over images 70
    assert tables.per_group("", {"ours": errors}, BY, "").rows["ours"][-1] == pytest.approx(70.0)


def test_table_2_means_both_ends_of_a_limb_on_both_sides():
    errors = np.zeros((2, 16))
    errors[:, AT["left_wrist"]] = 80.0
    errors[0, AT["right_knee"]] = 40.0
    table = tables.limbs("a set", {"ours": errors}, "2 images")
    assert table.columns == ("U.Arms", "L.Arms", "U.Legs", "L.Legs", "Mean")
    # lower arms: one of four joints off by 80; a knee belongs to both legs' limbs: 40 in one of two images
    assert table.rows["ours"] == pytest.approx((0.0, 20.0, 5.0, 5.0, (2 * 80 + 40) / 32))


def test_table_4_counts_14_joints_strictly_below_150_mm():
    errors = np.zeros((2, 16))
    errors[:, [AT["pelvis"], AT["thorax"]]] = 1000.0  # not among the fourteen
    errors[0, AT["left_wrist"]] = 150.0  # not below
    errors[1, [AT["left_knee"], AT["head_top"]]] = 149.9, 151.0
    by = Grouping("scene", np.array(["indoor", "outdoor"]), ("greenscreen", "indoor", "outdoor"))
    table = tables.reach("a set", {"ours": errors}, by, "2 images")
    assert table.columns == ("greenscreen", "indoor", "outdoor", "Total") and table.rows["images"] == (0, 1, 1, 2)
    assert np.isnan(table.rows["PCK ours"][0])
    assert table.rows["PCK ours"][1:] == pytest.approx((100 * 13 / 14, 100 * 13 / 14, 100 * 26 / 28))


def test_table_4_area_counts_31_thresholds_zero_among_them():
    # 72 mm is below 75, 80, ..., 150: 16 of the 31 thresholds 0, 5, ..., 150
    by = Grouping("scene", np.array(["indoor"]), ("indoor",))
    table = tables.reach("a set", {"ours": np.full((1, 16), 72.0), "perfect": np.zeros((1, 16))}, by, "1 image")
    assert table.rows["AUC ours"] == pytest.approx((100 * 16 / 31, 100 * 16 / 31))
    assert table.rows["AUC perfect"][0] == pytest.approx(100 * 30 / 31)  # nothing is below 0
    assert table.rows["PCK ours"] == (100.0, 100.0)


def test_the_fourteen_joints_are_those_of_mpi_inf_3dhp():
    sides = [f"{side}_{joint}" for side in ("left", "right") for joint in
             ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")]  # fmt: skip
    assert {MPII16.joints[i] for i in np.flatnonzero(LSP_JOINTS)} == {"head_top", "upper_neck", *sides}


def test_plausibility_by_hand():
    """Every right limb twice as long as its left one: 1 of 1.5; and a pose whose hinges can't be told bends nothing."""
    poses = np.zeros((2, 16, 3))
    for side, length in (("left", 1.0), ("right", 2.0)):
        for upper, middle, lower in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
            for k, joint in enumerate((upper, middle, lower)):
                poses[:, AT[f"{side}_{joint}"]] = [length if side == "left" else -length, 0, k * length]
    table = tables.plausibility("photos", {"ours": poses}, "2 people")
    assert table.rows["ours"] == pytest.approx((200 / 3,) * 5 + (0.0, 0.0))
    assert table.title == "photos: plausibility, percent, 2 people" and table.columns[-3:-1] == (
        "Mean asymmetry",
        "Knees wrong",
    )
