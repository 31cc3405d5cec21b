"""Which samples a run learns from, which it is watched on, and that the two never meet."""

from itertools import pairwise

import numpy as np
import pytest

from wildpose.data.mix import build_data
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.skeleton import MPII16
from wildpose.studio.generate import generate


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered") / "studio"
    generate("studio", folder, 15, seed=3, progress=False)
    return folder


def test_subject_s8_is_held_out(rendered):
    data = build_data(outdoor=rendered, studio=rendered)
    studio = StudioSet(rendered)
    assert set(studio.subject[data.studio.rows]) == {"S1", "S5", "S6", "S7"}
    assert set(studio.subject[data.studio_val.rows]) == {"S8"}
    assert len(data.studio) + len(data.studio_val) == 15


def test_rendered_people_that_stand_in_for_photos_have_no_depth(rendered):
    data = build_data(outdoor=rendered, studio=rendered)
    assert data.wild.load(0).joints_cam_mm is None
    assert data.studio.load(0).joints_cam_mm.shape == (16, 3)


def test_the_scale_rule_is_the_mean_of_the_14_bones_by_hand(rendered):
    data = build_data(outdoor=rendered, studio=rendered)
    sums = []
    for i in range(len(data.studio)):
        joints = data.studio.load(i).joints_cam_mm
        at = {name: joints[MPII16.index(name)] for name in MPII16.joints}
        parts = [["pelvis", "upper_neck", "head_top"]]
        for side in ("left_", "right_"):
            parts.append([f"{side}{j}" for j in ("ankle", "knee", "hip")] + ["pelvis"])
            parts.append([f"{side}{j}" for j in ("wrist", "elbow", "shoulder")] + ["upper_neck"])
        sums.append(sum(np.linalg.norm(at[a] - at[b]) for part in parts for a, b in pairwise(part)))
    assert data.bone_sum_mm == pytest.approx(np.mean(sums), rel=1e-5)


def test_no_2d_set_at_all_is_refused():
    with pytest.raises(InputError, match="at least one set with 2D labels"):
        build_data()
