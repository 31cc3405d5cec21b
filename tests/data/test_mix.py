"""Which samples a run learns from, which it is watched on, and that the two never meet."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from wildpose.data.kinds import KINDS_2D, KINDS_3D
from wildpose.data.lifted import write_lifted
from wildpose.data.mix import Mixed, Part, Source, TrainData, build_data, each_once, parse_source
from wildpose.data.sample import Sample
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


def test_people_to_be_tested_on_are_not_trained_on(tmp_path):
    generate("outdoor", tmp_path / "test", 3, seed=3, split="test", progress=False)
    for sides in ({"outdoor": tmp_path / "test"}, {"outdoor": None, "studio": tmp_path / "test"}):
        with pytest.raises(InputError, match="images of split test"):
            build_data(more_2d=[Source("outdoor", tmp_path / "test")] if not sides["outdoor"] else (), **sides)


def test_what_was_begun_with_some_labels_is_known_by_them(rendered, tmp_path):
    """Other labels, shares, and lifted depth are other data; the same elsewhere are the same."""
    digest = build_data(outdoor=rendered, studio=rendered).digest
    shutil.copytree(rendered, tmp_path / "copy")
    assert build_data(outdoor=tmp_path / "copy", studio=tmp_path / "copy").digest == digest
    generate("studio", tmp_path / "other", 15, seed=4, progress=False)
    plain = build_data(outdoor=rendered, studio=rendered)
    write_lifted(tmp_path / "outdoor.safetensors", np.zeros((15, 16)), plain.parts[0].samples, "a test")
    others = [
        build_data(outdoor=rendered, studio=tmp_path / "other"),
        build_data(outdoor=tmp_path / "other", studio=rendered),
        build_data(more_2d=[Source("outdoor", rendered, 2.0)], studio=rendered),
        build_data(outdoor=rendered, studio=rendered, lifted=tmp_path),
    ]
    assert len({digest, *(data.digest for data in others)}) == 5


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


def test_lifted_depth_comes_with_the_set_that_it_was_made_for(rendered, tmp_path):
    plain = build_data(outdoor=rendered, studio=rendered)
    with pytest.raises(InputError, match=r"outdoor\.safetensors"):
        build_data(outdoor=rendered, studio=rendered, lifted=tmp_path)
    depth_px = np.arange(15 * 16, dtype=np.float64).reshape(15, 16)
    write_lifted(tmp_path / "outdoor.safetensors", depth_px, plain.parts[0].samples, "a test")
    data = build_data(outdoor=rendered, studio=rendered, lifted=tmp_path)
    assert np.array_equal(data.wild.load(7).depth_px, depth_px[7])
    assert np.array_equal(data.in_phase(("outdoor:1",)).wild.load(7).depth_px, depth_px[7])
    assert data.studio.load(7).depth_px is None
    assert [source.get("labels") for source in data.sources] == ["depth lifted (wildpose lift)", None]


def test_a_set_that_two_trainings_learnt_from_is_named_once():
    first = [{"name": "photos", "samples": 8}, {"name": "studio", "samples": 3}]
    then = [{"name": "studio", "samples": 4}, {"name": "photos", "samples": 9, "labels": "lifted"}]
    assert each_once([*first, *then]) == [
        {"name": "photos", "samples": 9, "labels": "lifted"},
        {"name": "studio", "samples": 4},
    ]
    assert each_once([*then, *first])[1] == {"name": "photos", "samples": 8, "labels": "lifted"}
    assert first[1] == {"name": "studio", "samples": 3}


def test_no_2d_set_at_all_is_refused():
    with pytest.raises(InputError, match="at least one set with 2D labels"):
        build_data()


class Numbers:
    """A set whose samples tell their set's name as the subject and their number as the action."""

    def __init__(self, name, n):
        self.name, self.n = name, n

    def __len__(self):
        return self.n

    def load(self, i):
        assert 0 <= i < self.n
        return Sample(
            np.zeros((1, 1, 3), np.uint8),
            np.zeros((16, 2)),
            np.ones(16, bool),
            np.ones(4),
            None,
            None,
            self.name,
            str(i),
        )


def drawn(samples):
    found = (samples.load(i) for i in range(len(samples)))
    return [(sample.subject, int(sample.action)) for sample in found]


def test_a_mix_holds_its_shares_and_misses_no_sample():
    """6 and 2 samples at 1:1: six of each, so the two come three times; at 1:3 eighteen of the two."""
    even = drawn(Mixed([Numbers("a", 6), Numbers("b", 2)], [1.0, 1.0]))
    assert even == [("a", i) for i in range(6)] + [("b", i % 2) for i in range(6)]
    skewed = drawn(Mixed([Numbers("a", 6), Numbers("b", 2)], [0.5, 1.5]))
    assert sum(name == "b" for name, _ in skewed) == 18 and set(skewed) == {("a", i) for i in range(6)} | {
        ("b", 0),
        ("b", 1),
    }
    rare = drawn(Mixed([Numbers("a", 4), Numbers("b", 5)], [3.0, 1.0]))  # the larger set has the smaller share
    assert sum(name == "a" for name, _ in rare) == 15 and {i for name, i in rare if name == "b"} == set(range(5))


def test_a_phase_may_mix_the_2d_sets_its_own_way():
    a, b = Numbers("a", 6), Numbers("b", 2)
    data = TrainData(wild=a, parts=(Part("a", a, 6.0), Part("b", b, 2.0)))
    assert data.in_phase(()) is data
    assert drawn(data.in_phase(("b:1",)).wild) == [("b", 0), ("b", 1)]
    assert len(drawn(data.in_phase(("a:1", "b:2")).wild)) == 18
    for wrong in ("c:1", "a", "a:0", "a:-1", "a:nan"):
        with pytest.raises(InputError):
            data.in_phase((wrong,))


def test_sources_are_read_as_name_path_and_ratio(tmp_path):
    assert parse_source("lsp=data/lsp:2", KINDS_2D, "--data-2d") == Source("lsp", Path("data/lsp"), 2.0)
    assert parse_source("studio=C:data=1", KINDS_3D, "--data-3d") == Source("studio", Path("C:data=1"), None)
    for wrong in ("lsp", "lsp=", "nobody=path", "studio=path:1"):
        with pytest.raises(InputError, match="--data-2d NAME=PATH"):
            parse_source(wrong, KINDS_2D, "--data-2d")
    with pytest.raises(InputError, match="a ratio above 0"):
        parse_source("lsp=path:0", KINDS_2D, "--data-2d")


def test_the_old_flags_join_their_sets_as_they_always_did(rendered):
    """One after another, each as often as its kind says: batches of runs from before are the same to the bit."""
    plain = build_data(outdoor=rendered)
    named = build_data(more_2d=[Source("outdoor", rendered)])
    assert len(plain.wild) == len(named.wild) == 15 and plain.sources == named.sources
    assert np.array_equal(plain.wild.load(7).image_rgb, StudioSet(rendered).load(7).image)


def test_any_set_with_3d_labels_can_be_the_other_side_in_any_ratio(rendered):
    three = [Source("studio", rendered, 1.0), Source("outdoor", rendered, 3.0)]
    data = build_data(outdoor=rendered, more_3d=three)
    studio, outdoor = data.studio.sets
    assert data.studio.ends.tolist() == [len(studio), 4 * len(studio)] and len(outdoor) == 15
    assert data.studio.load(0).joints_cam_mm.shape == (16, 3) and len(data.studio_val) + len(studio) == 15
    assert [s["name"] for s in data.sources] == ["outdoor train, 2D labels", "studio train", "outdoor train, 3D labels"]


def test_ratios_for_some_and_sets_given_twice_are_refused(rendered):
    with pytest.raises(InputError, match="a ratio for every set or for none"):
        build_data(outdoor=rendered, more_3d=[Source("studio", rendered, 1.0), Source("outdoor", rendered)])
    with pytest.raises(InputError, match="each set once"):
        build_data(outdoor=rendered, more_2d=[Source("outdoor", rendered)])
