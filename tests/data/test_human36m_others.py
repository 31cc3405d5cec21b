"""Human3.6M as Moon et al. and as Zhou et al. lay it out."""

from pathlib import Path

import numpy as np
import pytest
from made_bodies import room_camera
from made_human36m import CAMERAS, room_pose, write_legacy, write_photo, write_triple

from wildpose.data.human36m import load_human36m
from wildpose.errors import InputError
from wildpose.skeleton import H36M17, MPII16


@pytest.fixture
def triple(tmp_path: Path) -> Path:
    write_triple(tmp_path, 9)
    write_triple(tmp_path, 11)
    return tmp_path


def test_world_joints_are_seen_from_their_camera(triple: Path):
    people = load_human36m(triple, "test", 5)
    i = people.images.tolist().index("images/s_11_act_16_subact_01_ca_02/s_11_act_16_subact_01_ca_02_000011.jpg")
    write_photo(people.path(i), red=200)
    sample = people.load(i)
    camera = room_camera("55011271", CAMERAS["55011271"])
    expected = camera.R @ room_pose("H36M17", 10)[H36M17.index("right_wrist")] + camera.t_mm
    np.testing.assert_allclose(sample.joints_cam_mm[MPII16.index("right_wrist")], expected, atol=0.01)
    u, v, w = camera.K @ expected
    np.testing.assert_allclose(sample.joints_px[MPII16.index("right_wrist")], (u / w, v / w), atol=0.01)
    assert (sample.subject, sample.action, sample.camera.name) == ("S11", "WalkTogether", "55011271")


def test_strides_and_the_corrupt_sequence(triple: Path):
    """Twelve frames, two cameras, three takes, of S11 one camera of the second take fewer."""
    assert len(load_human36m(triple, "test")) == 12 * 6 + 12 * 5
    assert len(load_human36m(triple, "test", 5)) == 3 * 6 + 3 * 5
    assert len(load_human36m(triple, "test", 64)) == 6 + 5
    assert not any("s_11_act_02_subact_02_ca_01" in name for name in load_human36m(triple, "test").images)


def test_a_stride_that_a_triple_does_not_hold_is_refused(tmp_path: Path):
    """Frames 0, 5, 10 have 20 as the first that is one of every fourth, too."""

    def every_fifth(data, camera, joint_3d):
        data["images"] = [image for image in data["images"] if image["frame_idx"] % 5 == 0]

    for subject in (9, 11):
        write_triple(tmp_path, subject, every_fifth)
    assert len(load_human36m(tmp_path, "test", 5)) > 0
    with pytest.raises(InputError, match=r"frames 0, 4, 8 \.\.\. in .*subject9"):
        load_human36m(tmp_path, "test", 4)


def first_image(**change):
    return lambda data, camera, joint_3d: data["images"][0].update(change)


def metres(data, camera, joint_3d):
    for takes in joint_3d.values():
        for frames in takes.values():
            for frame, pose in frames.items():
                frames[frame] = (np.array(pose) / 1000).tolist()


def swapped(data, camera, joint_3d):
    for takes in joint_3d.values():
        for frames in takes.values():
            for frame, pose in frames.items():
                frames[frame] = np.array(pose)[H36M17.mirror].tolist()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d, c, j: d.pop("images"), r"key 'images' in .*subject9_data\.json, got only annotations"),
        (lambda d, c, j: d["images"][0].pop("frame_idx"), r"key 'frame_idx' in .*image 0"),
        (lambda d, c, j: d["annotations"].pop(0), r"an annotation in .*image 0, got none"),
        (lambda d, c, j: d["annotations"][0].update(bbox=[1, 2, 3]), r"bbox of 4 in .*image 0, got shape \(3,\)"),
        (lambda d, c, j: c["1"].pop("t"), r"key 't' in .*subject9_camera\.json, camera 1, got only R, c, f"),
        (lambda d, c, j: c.pop("2"), r"camera 2 in .*camera\.json, got only 1"),
        (lambda d, c, j: c["1"].update(R=np.diag([1, 1, -1]).tolist()), "a rotation R in"),
        (lambda d, c, j: c.update({"1": c["2"], "2": c["1"]}), r"projects into the boxes .*got 0 % of them inside"),
        (lambda d, c, j: j["2"]["1"].pop("3"), r"key '3' in .*joint_3d\.json, action_idx 2, subaction_idx 1"),
        (lambda d, c, j: j["2"]["1"].update({"3": [[1, 2, 3]]}), r"joints of 17 x 3 in .*frame_idx 3, got shape"),
        (lambda d, c, j: j["2"]["1"]["3"][5].__setitem__(0, float("nan")), r"finite joints in .*frame_idx 3"),
        (metres, r"joints in millimetres in .*got a median sum of 4\."),
        (swapped, "left and right are swapped"),
        (first_image(file_name="../../x.jpg"), "image path inside the data root"),
        (first_image(subject=8), r"subject 9 in .*got 8"),
        (first_image(action_idx=40), "action_idx 2 to 16"),
    ],
)  # fmt: skip
def test_damaged_triples_are_refused(tmp_path: Path, damage, message: str):
    write_triple(tmp_path, 9, damage)
    write_triple(tmp_path, 11)
    with pytest.raises(InputError, match=message):
        load_human36m(tmp_path, "test")


def test_a_missing_or_truncated_file_of_a_triple(triple: Path):
    path = triple / "annotations" / "Human36M_subject11_joint_3d.json"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"JSON in .*subject11_joint_3d\.json"):
        load_human36m(triple, "test")
    path.unlink()
    with pytest.raises(InputError, match=r"subject11_joint_3d\.json, got no such file"):
        load_human36m(triple, "test")


def test_legacy_files(tmp_path: Path):
    write_legacy(tmp_path)
    people = load_human36m(tmp_path, "test")
    assert len(people) == 16 - 2  # without the corrupt sequence's two frames
    assert people.images[1] == "images/s_09_act_02_subact_01_ca_01/s_09_act_02_subact_01_ca_01_000006.jpg"
    assert people.subject.tolist() == ["S9"] * 8 + ["S11"] * 6 and set(people.action) == {"Directions"}
    x, y, w, h = people.boxes_xywh[0].astype(float)
    np.testing.assert_allclose([x + w / 2, y + h / 2, 1.25 * w], [111.5, 111.5, 224.0], atol=1e-4)  # the whole image
    with pytest.raises(InputError, match=r"subjects S1, S5.*got none"):
        load_human36m(tmp_path, "train")
    with pytest.raises(InputError, match="stride 5"):
        load_human36m(tmp_path, "test", 64)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("joint_3d_mono"), r"key 'joint_3d_mono' in .*annotSampleTest\.h5"),
        (lambda a: a.update(joint_2d=a["joint_2d"][:, :14]), r"joint_2d of N x 16 x 2 in .*got shape \(16, 14, 2\)"),
        (lambda a: a["joint_3d_mono"].__setitem__((2, 3, 1), np.nan), r"finite joint_3d_mono in .*\[2, 3, 1\]"),
        (lambda a: a.update(joint_3d_mono=a["joint_3d_mono"] / 1000), "joint_3d_mono in millimetres"),
        (lambda a: a.update(joint_3d_mono=a["joint_3d_mono"][:, MPII16.mirror]), "left and right are swapped"),
        (lambda a: a.update(subject=a["subject"][:-1]), r"as many rows in every array of .*subject 15"),
        (lambda a: a.update(camera=np.full(16, 5.0)), r"camera 1 to 4 in .*got action 2, camera 5"),
        (lambda a: a.update(id=np.array([b"x"] * 16)), "numbers in id of"),
    ],
)
def test_damaged_legacy_files_are_refused(tmp_path: Path, damage, message: str):
    write_legacy(tmp_path, damage)
    with pytest.raises(InputError, match=message):
        load_human36m(tmp_path, "test")


def test_a_truncated_legacy_file(tmp_path: Path):
    path = write_legacy(tmp_path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"an HDF5 file at .*annotSampleTest\.h5"):
        load_human36m(tmp_path, "test")
