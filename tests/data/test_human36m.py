"""Human3.6M as an index of .npz files: values, strides, cameras, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from made_bodies import room_camera
from made_human36m import CAMERAS, index_arrays, pickled_cameras, room_pose, write_index, write_photo

from wildpose.data.human36m import load_human36m
from wildpose.data.human36m_cameras import parse_w0, read_cameras, write_cameras
from wildpose.errors import InputError
from wildpose.skeleton import H36M17, MPII16


def test_values_and_names(tmp_path: Path):
    write_index(tmp_path)
    people = load_human36m(tmp_path, "test")
    assert len(people) == 24
    assert people.subject.tolist() == ["S9"] * 12 + ["S11"] * 12 and set(people.action) == {"Directions"}
    assert people.frame[:6].tolist() == [1, 2, 3, 4, 5, 6] and people.camera_name[6] == "55011271"
    write_photo(people.path(8), red=180)
    sample = people.load(8)  # S9, second camera, frame 3
    assert sample.image_path == tmp_path / "images/S9/S9_Directions_1.55011271/S9_Directions_1.55011271_000003.jpg"
    assert sample.image_rgb[..., 0].mean() > 170 and sample.mask.all()
    camera = room_camera("55011271", CAMERAS["55011271"], distortion=True)
    world = room_pose("H36M17", 3)
    for name, of in (("left_wrist", "left_wrist"), ("thorax", "spine"), ("upper_neck", "neck"), ("pelvis", "pelvis")):
        expected = camera.R @ world[H36M17.index(of)] + camera.t_mm
        np.testing.assert_allclose(sample.joints_cam_mm[MPII16.index(name)], expected, atol=0.01)
    np.testing.assert_allclose(sample.camera.project(sample.joints_cam_mm), sample.joints_px, atol=0.01)
    np.testing.assert_allclose(sample.camera.R, camera.R, atol=1e-9)
    np.testing.assert_allclose(sample.camera.t_mm, camera.t_mm, atol=1e-6)
    np.testing.assert_array_equal(people.joints_cam_mm[8], sample.joints_cam_mm)
    x, y, w, h = sample.box_xywh.tolist()
    center = (sample.joints_px.min(0) + sample.joints_px.max(0)) / 2
    assert w == h and np.abs(center - (x + w / 2, y + h / 2)).max() < 40  # of 17 joints, one of which MPII16 lacks


def test_the_corrupt_sequence_is_left_out(tmp_path: Path):
    def add(arrays):
        more = index_arrays({"S11": [1, 2]}, "Directions_2")
        for name in arrays:
            arrays[name] = np.concatenate([arrays[name], more[name]])

    write_index(tmp_path, add)
    people = load_human36m(tmp_path, "test")
    names = [str(people.path(i)) for i in range(len(people))]
    assert len(people) == 26 and not any("S11_Directions_2.54138969" in name for name in names)


def test_strides_count_the_50_frames_a_second(tmp_path: Path):
    write_index(tmp_path, frames=list(range(1, 131)))
    assert sorted(set(load_human36m(tmp_path, "test", 64).frame.tolist())) == [1, 65, 129]
    assert len(load_human36m(tmp_path, "test", 5)) == 26 * 4
    assert len(load_human36m(tmp_path, "test", 1)) == 130 * 4


def test_a_stride_that_is_not_stored_is_refused(tmp_path: Path):
    write_index(tmp_path, folder="fps10", frames=list(range(1, 642, 5)))
    assert len(load_human36m(tmp_path, "test", 5)) == 129 * 4
    with pytest.raises(InputError, match=r"about 44 frames 1, 65, 129 \.\.\. in .*h36m_test\.npz, got 12"):
        load_human36m(tmp_path, "test", 64)


def test_the_folder_with_the_fitting_frames_is_taken(tmp_path: Path):
    write_index(tmp_path, folder="fps10", frames=list(range(1, 642, 5)))
    write_index(tmp_path, folder="stride64", frames=list(range(1, 642, 64)))
    assert len(load_human36m(tmp_path, "test", 64)) == 11 * 4
    assert len(load_human36m(tmp_path, "test", 5)) == 129 * 4
    with pytest.raises(InputError, match="give a stride"):
        load_human36m(tmp_path, "test")


def test_train_and_test_subjects(tmp_path: Path):
    write_index(tmp_path)
    write_index(tmp_path, split="train")
    assert set(load_human36m(tmp_path, "train").subject) == {"S1"}
    both = load_human36m(tmp_path, "train+test")
    assert set(both.subject) == {"S1", "S9", "S11"} and len(both) == 36
    assert both.path(12).name.startswith("S9_")


def test_compressed_files_and_names_as_bytes(tmp_path: Path):
    path = write_index(tmp_path)
    with np.load(path) as stored:
        arrays = dict(stored)
    plain = load_human36m(tmp_path, "test")
    name, joints_px = plain.path(7), plain.joints_px
    np.savez_compressed(path, **arrays | {"imgname": arrays["imgname"].astype(bytes)})
    packed = load_human36m(tmp_path, "test")
    assert packed.path(7) == name
    np.testing.assert_array_equal(packed.joints_px, joints_px)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def in_array(name, change):
    def damage(arrays):
        changed = arrays[name].copy()
        arrays[name] = change(changed)

    return damage


def put(array, where, value):
    array[where] = value
    return array


def swapped(arrays):
    for name in ("part", "S"):
        arrays[name] = arrays[name][:, H36M17.mirror]


def renamed(name):
    return in_array("imgname", lambda a: put(a.astype(object), 0, name).astype(str))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("S"), r"key 'S' in .*h36m_test\.npz, got only center, imgname, part, scale"),
        (in_array("S", lambda a: a[:, :16]), r"S of 24 x 17 x 4 in .*got shape \(24, 16, 4\)"),
        (in_array("part", lambda a: a[:-1]), r"part of 24 x 17 x 3 in .*got shape \(23, 17, 3\)"),
        (in_array("S", lambda a: put(a, (3, 2, 1), np.nan)), r"finite S in .*got nan at \[3, 2, 1\]"),
        (in_array("scale", lambda a: put(a, 5, np.inf)), "finite scale"),
        (in_array("S", lambda a: a * 1000), r"S in metres in .*sum to 2000 to 8000 mm.*, got a median sum of 4"),
        (swapped, r"knees bend forwards, got 0 % of \d+ bent knees do: left and right are swapped"),
        (in_array("S", lambda a: put(a, np.s_[:12], a[12:][:, :, [1, 0, 2, 3]])), "projects onto the 2D labels"),
        (renamed("../S9_Directions_1.54138969_000001.jpg"), "image path inside the data root"),
        (renamed("/S9/S9_Directions_1.54138969_000001.jpg"), "image path inside the data root"),
        (renamed("walking.jpg"), r"a name like S1/.*imgname\[0\], got 'walking\.jpg'"),
        (renamed("S9/S9_Directions_1.54138969_00000x.jpg"), r"a name like S1/"),
        (renamed("S9/S9_Directions_1.99999999/S9_Directions_1.99999999_000001.jpg"), "camera S9 99999999 of"),
        (in_array("imgname", lambda a: np.array([Malicious()] * 24)), r"plain array imgname\.npy .*pickled objects"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(tmp_path: Path, damage, message: str):
    write_index(tmp_path, damage)
    with pytest.raises(InputError, match=message):
        load_human36m(tmp_path, "test")
    assert not Path("made-by-a-pickle").exists()


def test_truncated_files_are_refused(tmp_path: Path):
    path = write_index(tmp_path)
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"an \.npz file at .*h36m_test\.npz"):
            load_human36m(tmp_path, "test")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda c: [one.update(f=one["f"] * 1.3) for one in c.values()],
            r"camera S\d+ 54138969, got a median distance",
        ),
        (lambda c: c["S9", "54138969"].pop("T"), r"key 'T' in .*cameras\.pkl, camera \('S9', '54138969'\)"),
        (lambda c: c["S9", "54138969"].update(R=np.ones((3, 3))), "a rotation R in"),
        (lambda c: c["S9", "54138969"].update(f=np.zeros(2)), r"f of 2 x 1 in .*got shape \(2,\)"),
        (lambda c: c["S9", "54138969"].update(name=Malicious()), r"cameras\.pkl, got a call of \w+\.mkdir"),
        (lambda c: c.clear(), "cameras by subject and name"),
    ],
)
def test_wrong_cameras_are_refused(tmp_path: Path, damage, message: str):
    cameras = pickled_cameras()
    damage(cameras)
    write_index(tmp_path, cameras=cameras)
    with pytest.raises(InputError, match=message):
        load_human36m(tmp_path, "test")
    assert not Path("made-by-a-pickle").exists()


def test_cameras_as_json_are_the_same(tmp_path: Path):
    write_index(tmp_path)
    pickled = read_cameras(tmp_path)
    write_cameras(tmp_path / "annotation_body3d" / "cameras.json", pickled)
    (tmp_path / "annotation_body3d" / "cameras.pkl").unlink()
    stored = read_cameras(tmp_path)
    assert stored.keys() == pickled.keys()
    for key, camera in stored.items():
        for field in ("K", "distortion", "R", "t_mm"):
            np.testing.assert_allclose(getattr(camera, field), getattr(pickled[key], field), atol=1e-9)


def test_the_cameras_of_metadata_xml():
    """300 numbers; by hand: the second camera of S5 turned a quarter about z, so that world +x is camera +y."""
    numbers = np.zeros(300)
    start = 6 * (1 * 11 + 4)
    numbers[start : start + 6] = (0, 0, np.pi / 2, 100, 200, 300)
    start = 264 + 9
    numbers[start : start + 9] = (1149.7, 1147.6, 508.8, 508.1, -0.19, 0.21, 0.004, -0.0009, -0.0014)
    cameras = parse_w0("[" + " ".join(map(str, numbers)) + "]", Path("metadata.xml"))
    assert len(cameras) == 44
    camera = cameras["S5", "55011271"]
    np.testing.assert_allclose(camera.R @ [1, 0, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(camera.R @ [100, 200, 300] + camera.t_mm, 0, atol=1e-9)
    assert camera.K.tolist() == [[1149.7, 0, 508.8], [0, 1147.6, 508.1], [0, 0, 1]]
    assert camera.distortion.tolist() == [-0.19, 0.21, -0.0009, -0.0014, 0.004]
    with pytest.raises(InputError, match=r"w0 of 300 in metadata\.xml, got shape \(299,\)"):
        parse_w0(" ".join(map(str, numbers[:-1])), Path("metadata.xml"))


def test_a_folder_without_human36m(tmp_path: Path):
    with pytest.raises(InputError, match=r"Human3\.6M in .*got none of them; `wildpose data prepare human36m`"):
        load_human36m(tmp_path, "test")


def test_names_without_the_number_of_the_take(tmp_path: Path):
    """As MMPose's script names what the official files call `Directions.54138969`; S11's is the damaged one."""

    def rename(arrays):
        arrays["imgname"] = np.char.replace(arrays["imgname"], "Directions_1", "Directions")

    write_index(tmp_path, rename)
    people = load_human36m(tmp_path, "test")
    assert set(people.action) == {"Directions"} and people.path(0).name == "S9_Directions.54138969_000001.jpg"
    of_s11 = people.camera_name[people.subject == "S11"]
    assert len(people) == 18 and set(of_s11) == {"55011271"}
