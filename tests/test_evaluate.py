"""The evaluator proven on truth: made-up people before made-up cameras, where every residual can be explained."""

import json
import re

import cv2
import numpy as np
import pytest
from made_up_people import BONES, Informed, People, write_rendered

from wildpose import metrics
from wildpose.cli import main
from wildpose.data.sample import Camera, Sample
from wildpose.errors import InputError
from wildpose.evaluate import codec_of, decode_poses, evaluate_3d, evaluate_studio, predict_set
from wildpose.evaluate.poses import in_cameras
from wildpose.geometry import bone_length_sum, crop_matrix, square_crop, weak_perspective_scale
from wildpose.predict.answer import Answer
from wildpose.predict.crops import ImagePyramid, pose_to_mm, poses_in_boxes
from wildpose.predict.onnx_model import OnnxModel
from wildpose.predict.placement import Camera as Pinhole
from wildpose.skeleton import MPII16
from wildpose.tables import Grouping


def by_action(n, names=("Walking", "Sitting")):
    """Actions in turn; nobody dances, and the table has a column for it all the same."""
    labels = np.array([names[i % len(names)] for i in range(n)])
    return (Grouping("action", labels, ("Sitting", "Dancing", "Walking")),)


def evaluate(people, rule="train-mean", **model):
    model = Informed(people, **({"bone_sum_mm": people.bone_sum_mm} | model))
    return evaluate_3d(model, people, by_action(len(people)), "made up", rule)


def weak_perspective_residual(people):
    """Protocol #1 without network, crop or heatmap: the picture's x, y and scaled z, brought to the true bone sum."""
    scale = weak_perspective_scale(people.cam, people.px)
    guess = np.concatenate([people.px, scale[:, None, None] * people.cam[..., 2:]], -1)
    guess = metrics.root_relative(guess)
    guess *= (bone_length_sum(people.cam, BONES) / bone_length_sum(guess, BONES))[:, None, None]
    return metrics.mpjpe(guess, people.cam)


def test_floor_is_the_error_of_weak_perspective_and_of_nothing_else():
    """True heatmaps and depth through crop, decoder, lift and scale leave exactly what perspective explains."""
    people = People()
    explained = weak_perspective_residual(people)
    floor = evaluate(people, "ground-truth").metrics["floor/mpjpe_p1_mm"]
    assert explained > 10  # there is something to explain
    assert floor == pytest.approx(explained, abs=0.1)


def test_the_row_camera_known_is_what_predict_says_with_that_camera():
    model = OnnxModel.load("default", 1)
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 256, (9, 12, 3), np.uint8), (400, 300), interpolation=cv2.INTER_CUBIC)
    K = np.array([[500.0, 0, 210.0], [0, 510.0, 140.0], [0, 0, 1]])
    box, nowhere = np.float32([20, 30, 120, 200]), np.zeros((16, 2), np.float32)
    sample = Sample(picture, nowhere, np.ones(16, bool), box, None, Camera(K, np.zeros(5), np.eye(3), np.zeros(3)))
    found, _, truth = predict_set(model, OneSample(sample))
    ours = pose_to_mm(in_cameras(found, truth.cameras).poses[0], model.info.bone_sum_mm)
    told = ImagePyramid(picture, Pinhole(500.0, 510.0, 210.0, 140.0))
    (theirs,) = poses_in_boxes(model, told, box[None])
    np.testing.assert_allclose(ours, theirs.joints_mm, atol=0.5)
    (crop_alone,) = poses_in_boxes(model, ImagePyramid(picture, Pinhole(1e6, 1e6, 80.0, 130.0)), box[None])
    assert np.abs(ours - crop_alone.joints_mm).max() > 50
    np.testing.assert_allclose(pose_to_mm(found.poses[0], model.info.bone_sum_mm), crop_alone.joints_mm, atol=0.5)


class OneSample:
    def __init__(self, sample):
        self.sample = sample

    def __len__(self):
        return 1

    def load(self, i):
        return self.sample


def test_floor_falls_as_one_over_the_distance():
    floors = [evaluate(People(distance_mm=d), "ground-truth").metrics["floor/mpjpe_p1_mm"] for d in (4e3, 4e4, 4e5)]
    assert floors[0] / floors[1] == pytest.approx(10, rel=0.15)
    assert floors[1] / floors[2] == pytest.approx(10, rel=0.15)


def test_a_wrong_mean_size_shows_in_protocol_1_only():
    """Without perspective a bone sum 10 % off moves each joint by 10 % of its distance to the pelvis."""
    people = People(n=1, distance_mm=4e6)
    report = evaluate(people, bone_sum_mm=1.1 * people.bone_sum_mm)
    reach = np.linalg.norm(metrics.root_relative(people.cam), axis=-1).mean()
    assert report.metrics["mpjpe_p1_mm"] == pytest.approx(0.1 * reach, rel=1e-2)
    assert report.metrics["pa_mpjpe_p2_mm"] < 0.5 and report.metrics["n_mpjpe_mm"] < 0.5
    assert report.metrics["pa_mpjpe_rigid_mm"] > 10


def test_rule_none_knows_the_size_from_the_image_itself():
    people = People(distance_mm=4e6)
    report = evaluate(people, "none", bone_sum_mm=1.0)
    assert report.metrics["mpjpe_p1_mm"] < 0.5
    assert report.protocol["scale_rule"] == "none" and report.protocol["bone_sum_mm"] is None  # it was not used


def test_a_model_that_knows_the_truth_reaches_the_floor_in_every_number():
    report = evaluate(People())
    for name in ("mpjpe_p1_mm", "pa_mpjpe_p2_mm", "pa_mpjpe_rigid_mm", "n_mpjpe_mm", "pck3d_150", "auc"):
        assert report.metrics[name] == pytest.approx(report.metrics[f"floor/{name}"], abs=1e-3)
    assert report.metrics["pck_torso_0.2_16_joints"] == 100.0


def test_a_model_that_is_wrong_in_depth_only_keeps_its_2d():
    people = People()
    model = Informed(people, people.bone_sum_mm)
    run = model.run
    model.run = lambda crops: (lambda h, d: (h, -d))(*run(crops))
    report = evaluate_3d(model, people, by_action(len(people)), "made up")
    assert report.metrics["pck_torso_0.2_16_joints"] == 100.0
    assert report.metrics["pa_mpjpe_p2_mm"] > 5 * report.metrics["floor/pa_mpjpe_p2_mm"]  # mirrored, so not forgiven


def test_tables_and_protocol_say_what_was_counted():
    report = evaluate(People(n=41))
    protocol_1, protocol_2, limbs, reach = report.tables
    assert protocol_1.columns == ("Sitting", "Dancing", "Walking", "Avg.")
    assert protocol_1.rows["images"] == (20, 0, 21, 41)
    sitting, dancing, walking, average = protocol_1.rows["wildpose"]
    assert np.isnan(dancing)
    assert average == pytest.approx((20 * sitting + 21 * walking) / 41) == report.metrics["mpjpe_p1_mm"]
    assert protocol_2.rows["wildpose"][-1] == report.metrics["pa_mpjpe_p2_mm"]
    assert limbs.columns == ("U.Arms", "L.Arms", "U.Legs", "L.Legs", "Mean")
    assert limbs.rows["wildpose"][-1] == report.metrics["mpjpe_p1_mm"]
    assert reach.rows["PCK floor"][-1] == report.metrics["floor/pck3d_150"]
    assert reach.rows["AUC floor"][-1] == report.metrics["floor/auc"]
    for table in report.tables:
        assert "made up" in table.title and "41 images" in table.title and "train-mean" in table.title
    assert report.protocol["count"] == 41 and report.protocol["scale_rule"] == "train-mean"
    assert report.protocol["sha256"] == "0" * 64


def test_evaluation_and_prediction_agree_on_mm():
    """Two routes from a crop to mm, the evaluator's and the predictor's, give one pose."""
    crops = pytest.importorskip("wildpose.predict.crops")
    codec = codec_of(Informed(None).info)
    rng = np.random.default_rng(0)
    joints, depth = rng.uniform(10, 118, (1, 16, 2)), rng.normal(scale=0.3, size=(1, 16)).astype(np.float32)
    heatmaps = codec.encode(joints[0], np.ones(16, bool))[None]
    window = square_crop([0, 0, 128, 128], 1.0)
    poses = decode_poses(Answer(heatmaps, depth), codec, [window], [crop_matrix(window, 128)])
    ours = metrics.scale_poses(poses.poses.astype(np.float64), "train-mean", 4072.0)
    theirs = crops.pose_to_mm(codec.lift(joints, depth, MPII16.index("pelvis"))[0], 4072.0)
    assert np.allclose(ours[0], theirs, atol=0.01)


def test_evaluation_of_a_rendered_set_on_disk(tmp_path):
    people = People(n=9)
    folder = write_rendered(tmp_path / "set", people)
    tested = People(n=9)
    tested.cam, tested.px = people.cam[::2], people.px[::2]
    report = evaluate_studio(Informed(tested, people.bone_sum_mm), folder)
    direct = evaluate_3d(Informed(tested, people.bone_sum_mm), tested, by_action(5), "made up")
    assert report.metrics == pytest.approx(direct.metrics, abs=1e-3)
    assert report.protocol["count"] == 5 and report.protocol["set"] == "studio test"
    assert report.protocol["subjects"] == "S11, S9"
    assert report.protocol["cameras"] == 2  # every second row, of four cameras in turn


def test_outdoor_has_mpi_inf_3dhps_activities_and_scenes(tmp_path):
    """Table 4 twice: a column for each of the seven activities, then for each of the three kinds of scene."""
    people = People(n=6)
    folder = write_rendered(
        tmp_path / "set", people, "outdoor", ("test",), ("StandWalk", "Misc"), ("outdoor", "greenscreen", "indoor")
    )
    report = evaluate_studio(Informed(people, people.bone_sum_mm), folder, kind="outdoor")
    first, _, _, activities, scenes = report.tables
    seven = ("StandWalk", "Exercise", "SitOnChair", "CrouchReach", "OnTheFloor", "Sports", "Misc")
    assert first.columns == (*seven, "Avg.") and activities.columns == (*seven, "Total")
    assert activities.rows["images"] == (3, 0, 0, 0, 0, 0, 3, 6)
    assert scenes.columns == ("greenscreen", "indoor", "outdoor", "Total") and scenes.rows["images"] == (2, 2, 2, 6)
    assert scenes.rows["PCK wildpose"][-1] == report.metrics["pck3d_150"]
    assert scenes.rows["PCK wildpose"][-1] == pytest.approx(np.mean(scenes.rows["PCK wildpose"][:3]))
    assert scenes.rows["AUC wildpose"][-1] == pytest.approx(np.mean(scenes.rows["AUC wildpose"][:3]))


def test_the_command_prints_what_the_json_holds(tmp_path, monkeypatch, capsys):
    people = People(n=4)
    folder = write_rendered(tmp_path / "set", people, "outdoor", ("test",), ("Sports",), ("indoor", "outdoor"))
    monkeypatch.setattr("wildpose.predict.onnx_model.OnnxModel.load", lambda weights: Informed(people))
    out = tmp_path / "report.json"
    options = ["--scale-rule", "ground-truth", "--no-flip", "--out", str(out)]  # this model knows no mirrored pictures
    main(["evaluate", "--data", "outdoor", "--root", str(folder), *options])
    printed, saved = capsys.readouterr().out, json.loads(out.read_text())
    assert len(saved["tables"]) == 5 and saved["protocol"]["scale_rule"] == "ground-truth"
    assert saved["protocol"]["flip_test"] is False
    for table in saved["tables"]:
        assert table["title"] in printed and "4 images, scale rule ground-truth" in table["title"]
        for row, values in table["rows"].items():
            cells = ["-" if v is None else str(v) if row == "images" else f"{v:.1f}" for v in values]
            assert [row, *cells] in [re.split(r"  +", line) for line in printed.splitlines()]


def test_a_rendered_set_of_another_kind_or_without_test_images_is_refused(tmp_path):
    model = Informed(People(n=4))
    outdoor = write_rendered(tmp_path / "outdoor", People(n=4), kind="outdoor")
    with pytest.raises(InputError, match="say --data outdoor"):
        evaluate_studio(model, outdoor)
    assert evaluate_studio(model, outdoor, kind="outdoor").protocol["set"] == "outdoor test"
    only_train = write_rendered(tmp_path / "train", People(n=4), splits=("train",))
    with pytest.raises(InputError, match=r"images of split test.*got splits train"):
        evaluate_studio(model, only_train)
