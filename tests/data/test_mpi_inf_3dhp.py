"""MPI-INF-3DHP: reversed axes, valid frames, which truth, cameras, and refusals."""

from pathlib import Path

import numpy as np
import pytest
from made_3dhp import FRAMES, UNIVERSAL, pose, write_test, write_train
from made_bodies import room_camera

from wildpose.data.mpi_inf_3dhp import TEST_FRAMES, load_mpi_inf_3dhp
from wildpose.data.mpi_inf_3dhp_train import read_calibration
from wildpose.errors import InputError
from wildpose.skeleton import MPI3DHP17, MPI3DHP28, MPII16


def test_the_published_count_of_valid_frames():
    assert sum(valid for _, valid in TEST_FRAMES.values()) == 2929


def test_only_valid_frames_by_joint_name(tmp_path: Path):
    write_test(tmp_path)
    people = load_mpi_inf_3dhp(tmp_path, "test")
    assert len(people) == 6 + 5 * FRAMES
    assert people.frame[:6].tolist() == [1, 3, 4, 6, 7, 8]
    assert people.images[1] == "mpi_inf_3dhp_test_set/TS1/imageSequence/img_000003.jpg"
    camera = room_camera(around=0.5)
    own = pose("MPI3DHP17", 2) @ camera.R.T + camera.t_mm  # the third frame
    np.testing.assert_allclose(people.joints17_mm[1], own)
    np.testing.assert_allclose(people.joints17_univ_mm[1], UNIVERSAL * own)
    for joint in ("left_knee", "right_wrist", "pelvis", "head_top"):
        at17, at16 = MPI3DHP17.index(joint), MPII16.index(joint)
        np.testing.assert_allclose(people.joints_cam_mm[1, at16], UNIVERSAL * own[at17], rtol=1e-6)
        u, v, w = camera.K @ own[at17]
        np.testing.assert_allclose(people.joints_px[1, at16], (u / w, v / w), rtol=1e-6)
    own16 = load_mpi_inf_3dhp(tmp_path, "test", "annot3").joints_cam_mm
    np.testing.assert_allclose(own16 * UNIVERSAL, people.joints_cam_mm, rtol=1e-5)


def test_scenes_activities_and_the_fitted_camera(tmp_path: Path):
    write_test(tmp_path)
    people = load_mpi_inf_3dhp(tmp_path, "test")
    assert people.subject[-1] == "TS6" and people.scene[-1] == "outdoor" and people.scene[0] == "GS"
    assert people.activity[0] == 2 and people.action[0] == "Exercising"
    assert len(people.cameras) == 6 and people.camera[-1] == 5
    np.testing.assert_allclose(people.cameras[3].K, room_camera().K, rtol=1e-9)


def test_training_frames_of_eight_cameras(tmp_path: Path):
    write_train(tmp_path)
    people = load_mpi_inf_3dhp(tmp_path, "train", stride=5)
    assert len(people) == 8 * 2
    i = people.images.tolist().index("S1/Seq1/imageFrames/video_7/frame_000006.jpg")
    camera = room_camera(around=0.4 * 7)
    expected = pose("MPI3DHP28", 5)[MPI3DHP28.index("left_elbow")] @ camera.R.T + camera.t_mm
    np.testing.assert_allclose(people.joints_cam_mm[i, MPII16.index("left_elbow")], expected, rtol=1e-6)
    assert people.subject[i] == "S1" and people.action[i] == "Seq1" and people.mask.all()
    found = people.cameras[people.camera[i]]
    assert found.name == "7"
    np.testing.assert_allclose(found.t_mm, camera.t_mm)
    np.testing.assert_allclose(found.project(people.joints_cam_mm[i]), people.joints_px[i], atol=0.01)
    univ = load_mpi_inf_3dhp(tmp_path, "train", "univ_annot3", stride=5)
    np.testing.assert_allclose(univ.joints_cam_mm, UNIVERSAL * people.joints_cam_mm, rtol=1e-6)


def of_ts2(change):
    return lambda ts, arrays: change(arrays) if ts == "TS2" else None


def swap(arrays):
    for name in ("annot2", "annot3", "univ_annot3"):
        arrays[name] = arrays[name][:, MPI3DHP17.mirror]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("univ_annot3"), r"key 'univ_annot3' in .*TS2/annot_data\.mat, got only activity_annotation"),
        (lambda a: a.update(annot2=a["annot2"].T), r"annot2 of N x 1 x 17 x 2 in .*got shape \(2, 17, 1, 8\)"),
        (lambda a: a.update(annot3=a["annot3"][:, :16]), r"annot3 of N x 1 x 17 x 3 in .*got shape \(8, 1, 16, 3\)"),
        (lambda a: a.update(annot3=a["annot3"][..., :5]), "annot3 of 8 frames in .*got 5"),
        (lambda a: a["univ_annot3"].__setitem__((0, 4, 0, 3), np.nan), "finite valid frames of univ_annot3"),
        (lambda a: a.update(annot3=a["annot3"] / 1000), "annot3 in millimetres in .*got a median sum of 4"),
        (swap, "left and right are swapped"),
        (lambda a: a.update(annot2=a["annot2"][..., ::-1]), "projects onto the 2D labels in .*annot2 and annot3"),
        (lambda a: a.update(activity_annotation=np.full((1, 8), 9.0)), r"activity_annotation 1 to 7 in .*\[9\]"),
        (lambda a: a.update(valid_frame=np.zeros((1, 8))), "valid frames in .*got none"),
    ],
)
def test_damaged_test_sequences_are_refused(tmp_path: Path, damage, message: str):
    write_test(tmp_path, of_ts2(damage))
    with pytest.raises(InputError, match=message):
        load_mpi_inf_3dhp(tmp_path, "test")


def test_missing_and_truncated_sequences(tmp_path: Path):
    write_test(tmp_path)
    path = tmp_path / "mpi_inf_3dhp_test_set" / "TS4" / "annot_data.mat"
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError, match=r"an HDF5 file at .*TS4/annot_data\.mat, got OSError"):
        load_mpi_inf_3dhp(tmp_path, "test")
    path.unlink()
    with pytest.raises(InputError, match=r"TS1 to TS6 in .*got none of TS4; fetch it: https"):
        load_mpi_inf_3dhp(tmp_path, "test")


def camera_7(name, change):
    return lambda arrays: arrays[name].__setitem__((7, 0), change(arrays[name][7, 0].copy()))


def nan_at(array):
    array[3, 5] = np.nan
    return array


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("annot3"), r"key 'annot3' in .*S1/Seq1/annot\.mat"),
        (lambda a: a.update(annot2=np.zeros((14, 56))), r"annot2 as a 14 x 1 cell array in .*float64"),
        (camera_7("annot3", lambda a: a[:, :51]), r"annot3\{8\} of N x 84 in .*got shape \(8, 51\)"),
        (camera_7("annot3", nan_at), r"finite annot3\{8\} in .*nan at \[3, 5\]"),
        (camera_7("annot3", lambda a: a[:5]), "as many frames of annot2 and annot3 for camera 7 in .*got 8 and 5"),
        (camera_7("annot3", lambda a: a / 1000), "annot3 of camera 7 in millimetres"),
        (camera_7("annot2", lambda a: a[:, ::-1]), "projects onto the 2D labels in .*camera 7"),
    ],
)
def test_damaged_training_sequences_are_refused(tmp_path: Path, damage, message: str):
    write_train(tmp_path, damage)
    with pytest.raises(InputError, match=message):
        load_mpi_inf_3dhp(tmp_path, "train", stride=1)


def test_wrong_and_damaged_calibrations_are_refused(tmp_path: Path):
    others = {number: room_camera(f"{number}", around=0.4 * number) for number in range(7)}
    path = write_train(tmp_path, cameras=others)
    with pytest.raises(InputError, match=r"camera 7 in .*camera\.calibration, got only 0, 1, 2"):
        load_mpi_inf_3dhp(tmp_path, "train", stride=1)
    calibration = path.with_name("camera.calibration")
    whole = calibration.read_text()
    calibration.write_text(whole[: whole.index("extrinsic") + 40])
    with pytest.raises(InputError, match=r"extrinsic of 16 in .*line 7"):
        read_calibration(calibration)
    calibration.write_text(whole.replace("intrinsic   1145.0", "intrinsic   wide"))
    with pytest.raises(InputError, match="intrinsic of 16 numbers in"):
        read_calibration(calibration)
    calibration.unlink()
    with pytest.raises(InputError, match=r"camera\.calibration, got no such file"):
        load_mpi_inf_3dhp(tmp_path, "train", stride=1)


def test_the_wrong_camera_is_refused(tmp_path: Path):
    """All cameras with another focal length: nothing but the projection can tell."""
    wrong = {}
    for number in range(14):
        camera = room_camera(f"{number}", around=0.4 * number)
        wrong[number] = type(camera)(camera.K * [[1.4], [1.4], [1.0]], camera.distortion, camera.R, camera.t_mm)
    write_train(tmp_path, cameras=wrong)
    with pytest.raises(InputError, match=r"projects onto the 2D labels in .*camera 0"):
        load_mpi_inf_3dhp(tmp_path, "train", stride=1)
