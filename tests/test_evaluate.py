"""The evaluator proven on truth: made-up people before made-up cameras, where every residual can be explained."""

import hashlib
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from wildpose import metrics
from wildpose.cli import main
from wildpose.data.sample import Sample
from wildpose.errors import InputError
from wildpose.evaluate import (
    LSP_JOINTS,
    PELVIS,
    codec_of,
    decode_poses,
    evaluate_2d,
    evaluate_3d,
    evaluate_lsp,
    evaluate_studio,
    run_flipped,
)
from wildpose.geometry import (
    apply_affine,
    bone_length_sum,
    crop_matrix,
    depth_in_crop,
    project,
    square_crop,
    weak_perspective_scale,
)
from wildpose.skeleton import MPII16, MPII16_LEGACY_BONES

BONES = MPII16.pairs(MPII16_LEGACY_BONES)
IMAGE = np.zeros((256, 256, 3), np.uint8)


class People:
    """N people with exact truth, as a SampleSet. Far away and magnified, perspective turns into weak perspective."""

    def __init__(self, n=40, distance_mm=4000.0, seed=0):
        rng = np.random.default_rng(seed)
        shape = rng.normal(scale=250, size=(n, 16, 3))
        place = np.column_stack([rng.uniform(-200, 200, (n, 2)), np.full(n, distance_mm)])
        zoom = 600 * distance_mm / 4000  # a mm is 0.15 px at any distance
        self.cam = shape + place[:, None]
        self.px = project(self.cam, np.array([[zoom, 0, 127.5], [0, zoom, 127.5], [0, 0, 1]]))

    def __len__(self):
        return len(self.cam)

    def load(self, i):
        low, high = self.px[i].min(0), self.px[i].max(0)
        box = np.concatenate([low, high - low]).astype(np.float32)
        return Sample(IMAGE, self.px[i].astype(np.float32), np.ones(16, bool), box, self.cam[i].astype(np.float32))

    @property
    def bone_sum_mm(self):
        return float(bone_length_sum(self.cam, BONES).mean())


class Informed:
    """A model that answers in the order of the samples: their truth, moved in the image by `off_px`."""

    def __init__(self, samples, bone_sum_mm=4000.0, off_px=(0.0, 0.0)):
        self.info = SimpleNamespace(
            name="informed",
            sha256="0" * 64,
            input_px=128,
            heatmap_px=32,
            sigma_px=1.0,
            crop_scale=1.25,
            bone_sum_mm=bone_sum_mm,
        )
        self.samples, self.off_px, self.next = samples, np.asarray(off_px), 0

    def run(self, crops_rgb):
        assert crops_rgb.shape[1:] == (128, 128, 3) and crops_rgb.dtype == np.uint8
        heatmaps, depth = [], []
        for _ in crops_rgb:
            sample = self.samples.load(self.next)
            self.next += 1
            crop = square_crop(sample.box_xywh, 1.25)
            joints = apply_affine(crop_matrix(crop, 128), sample.joints_px + self.off_px)
            heatmaps.append(codec_of(self.info).encode(joints, np.ones(16, bool)))
            known = sample.joints_cam_mm is not None
            depth.append(depth_in_crop(sample.joints_cam_mm, sample.joints_px, crop, PELVIS) if known else np.zeros(16))
        return np.stack(heatmaps), np.stack(depth).astype(np.float32)


def evaluate(people, rule="train-mean", **model):
    model = Informed(people, **({"bone_sum_mm": people.bone_sum_mm} | model))
    actions = np.array(["Walking", "Sitting"])[np.arange(len(people)) % 2]
    return evaluate_3d(model, people, actions, "made up", rule)


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
    report = evaluate_3d(model, people, np.array(["a"] * len(people)), "made up")
    assert report.metrics["pck_torso_0.2_16_joints"] == 100.0
    assert report.metrics["pa_mpjpe_p2_mm"] > 5 * report.metrics["floor/pa_mpjpe_p2_mm"]  # mirrored, so not forgiven


def test_tables_and_protocol_say_what_was_counted():
    report = evaluate(People(n=41))
    protocol_1, protocol_2, limbs, reach = report.tables
    assert protocol_1.columns == ("Sitting", "Walking", "Avg.")
    assert protocol_1.rows["images"] == (20, 21, 41)
    sitting, walking, average = protocol_1.rows["wildpose"]
    assert average == pytest.approx((20 * sitting + 21 * walking) / 41) == report.metrics["mpjpe_p1_mm"]
    assert protocol_2.rows["wildpose"][-1] == report.metrics["pa_mpjpe_p2_mm"]
    assert limbs.columns == ("upper_arms", "lower_arms", "upper_legs", "lower_legs", "mean")
    assert reach.rows["floor"] == (report.metrics["floor/pck3d_150"], report.metrics["floor/auc"])
    for table in report.tables:
        assert "made up" in table.title and "41 images" in table.title and "train-mean" in table.title
    assert report.protocol["count"] == 41 and report.protocol["scale_rule"] == "train-mean"
    assert report.protocol["sha256"] == "0" * 64


class Photos(People):
    """The same people as photos with 2D labels: LSP's 14 joints."""

    def load(self, i):
        whole = super().load(i)
        joints = np.where(LSP_JOINTS[:, None], whole.joints_px, np.nan)
        return Sample(IMAGE, joints, LSP_JOINTS.copy(), whole.box_xywh)


@pytest.mark.parametrize("photos", [Photos(), People()], ids=["LSP's labels", "pelvis and thorax labelled as well"])
def test_2d_evaluation_counts_the_14_joints_of_lsp(photos):
    report = evaluate_2d(Informed(photos), photos, "photos")
    assert report.metrics["pck_torso_0.2"] == 100.0
    assert "pck_torso_0.2/pelvis" not in report.metrics and len(report.metrics) == 15
    assert report.tables[0].columns[-1] == "Mean" and "14 of LSP, 560 labelled" in report.protocol["joints"]


def test_2d_evaluation_sees_an_offset_in_px_of_the_image():
    """Everyone is found 10 px to the right: those with a torso over 50 px count, and nobody else."""
    photos = Photos()
    right = metrics.torso_diameter(photos.px) >= 10 / 0.2
    assert 0 < right.sum() < len(photos)
    report = evaluate_2d(Informed(photos, off_px=(10.0, 0.0)), photos, "photos")
    assert report.metrics["pck_torso_0.2"] == pytest.approx(100 * right.mean())


class Sided:
    """Calls a bright spot right of the middle the left wrist, one left of it the right wrist, as in a front view."""

    info = Informed(None).info

    def run(self, crops_rgb):
        small = crops_rgb[..., 0].reshape(len(crops_rgb), 32, 4, 32, 4).mean((2, 4)).astype(np.float32)
        heatmaps, depth = np.zeros((len(crops_rgb), 16, 32, 32), np.float32), np.zeros((len(crops_rgb), 16), np.float32)
        for joint, columns in (("right_wrist", slice(0, 16)), ("left_wrist", slice(16, 32))):
            heatmaps[:, MPII16.index(joint), :, columns] = small[:, :, columns]
            depth[:, MPII16.index(joint)] = small[:, :, columns].sum((1, 2))
        return heatmaps, depth


def test_flip_test_puts_everything_back_in_its_place():
    crops = np.zeros((1, 128, 128, 3), np.uint8)
    crops[0, 40:44, 100:104] = 200
    plain, depth = run_flipped(Sided(), crops, flip=False)
    both, both_depth = run_flipped(Sided(), crops, flip=True)
    assert plain[0, MPII16.index("left_wrist"), 10, 25] == 200
    assert np.array_equal(plain, both) and np.array_equal(depth, both_depth)


def test_evaluation_and_prediction_agree_on_mm():
    """Two routes from a crop to mm, the evaluator's and the predictor's, give one pose."""
    crops = pytest.importorskip("wildpose.predict.crops")
    codec = codec_of(Informed(None).info)
    rng = np.random.default_rng(0)
    joints, depth = rng.uniform(10, 118, (1, 16, 2)), rng.normal(scale=0.3, size=(1, 16)).astype(np.float32)
    heatmaps = codec.encode(joints[0], np.ones(16, bool))[None]
    window = square_crop([0, 0, 128, 128], 1.0)
    poses = decode_poses(heatmaps, depth, codec, [window], [crop_matrix(window, 128)])
    ours = metrics.scale_poses(poses.poses.astype(np.float64), "train-mean", 4072.0)
    theirs = crops.crop_to_mm(joints[0], depth[0].astype(np.float64), 128, 4072.0)
    assert np.allclose(ours[0], theirs, atol=0.01)


def write_rendered(folder, people, kind="studio", splits=("test", "train")):
    """The people as a wildpose-studio/1 set of black pictures, splits in turn."""
    n = len(people)
    jpeg = cv2.imencode(".jpg", IMAGE)[1]
    arrays = {
        "jpeg": np.tile(jpeg, n),
        "jpeg_offsets": np.arange(n + 1, dtype=np.int64) * len(jpeg),
        "joints_px": people.px.astype(np.float32),
        "joints_cam_mm": people.cam.astype(np.float32),
        "in_image": np.ones((n, 16), bool),
        "occluded": np.zeros((n, 16), bool),
        "K": np.tile(np.eye(3), (n, 1, 1)),
        "R": np.tile(np.eye(3), (n, 1, 1)),
        "t_mm": np.zeros((n, 3)),
        "subject": np.array([f"S{9 + 2 * (i % 3 == 0)}" for i in range(n)]),
        "action": np.array(["Walking"] * n),
        "scene": np.array(["room"] * n),
        "split": np.array([splits[i % len(splits)] for i in range(n)]),
        "camera": (np.arange(n) % 4).astype(np.int32),
        "frame": np.arange(n, dtype=np.int32),
        "box_xywh": np.stack([people.load(i).box_xywh for i in range(n)]),
    }
    folder.mkdir(parents=True)
    np.savez(folder / "shard-00000.npz", **arrays)
    digest = hashlib.sha256((folder / "shard-00000.npz").read_bytes()).hexdigest()
    manifest = {
        "format": "wildpose-studio/1",
        "kind": kind,
        "seed": 0,
        "images": n,
        "size_px": 256,
        "joints": list(MPII16.joints),
        "complete": True,
        "shards": [{"file": "shard-00000.npz", "images": n, "sha256": digest}],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_evaluation_of_a_rendered_set_on_disk(tmp_path):
    people = People(n=9)
    folder = write_rendered(tmp_path / "set", people)
    tested = People(n=9)
    tested.cam, tested.px = people.cam[::2], people.px[::2]
    report = evaluate_studio(Informed(tested, people.bone_sum_mm), folder)
    direct = evaluate_3d(Informed(tested, people.bone_sum_mm), tested, np.array(["Walking"] * 5), "made up")
    assert report.metrics == pytest.approx(direct.metrics, abs=1e-3)
    assert report.protocol["count"] == 5 and report.protocol["set"] == "studio test"
    assert report.protocol["subjects"] == "S11, S9"
    assert report.protocol["cameras"] == 2  # every second row, of four cameras in turn


def test_a_rendered_set_of_another_kind_or_without_test_images_is_refused(tmp_path):
    model = Informed(People(n=4))
    outdoor = write_rendered(tmp_path / "outdoor", People(n=4), kind="outdoor")
    with pytest.raises(InputError, match="say --data outdoor"):
        evaluate_studio(model, outdoor)
    assert evaluate_studio(model, outdoor, kind="outdoor").protocol["set"] == "outdoor test"
    only_train = write_rendered(tmp_path / "train", People(n=4), splits=("train",))
    with pytest.raises(InputError, match=r"images of split test.*got splits train"):
        evaluate_studio(model, only_train)


def test_the_command_prints_the_table_and_writes_the_json(tmp_path, monkeypatch, capsys):
    photos = Photos()
    monkeypatch.setattr("wildpose.predict.onnx_model.OnnxModel.load", lambda weights: Informed(photos))
    monkeypatch.setattr("wildpose.data.lsp.load_lsp", lambda root, split: photos)
    main(["evaluate", "--data", "lsp", "--root", "anywhere", "--out", str(tmp_path / "lsp.json")])
    printed = capsys.readouterr().out
    assert "LSP test: PCK@0.2, percent, 40 people" in printed and "100.0" in printed
    assert json.loads((tmp_path / "lsp.json").read_text())["metrics"]["pck_torso_0.2"] == 100.0


def test_missing_data_set_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        evaluate_lsp(Informed(None), tmp_path)


@pytest.mark.data
@pytest.mark.slow
def test_true_joints_score_100_on_lsp(shared_data):
    """The whole way over the real photos: what goes in as truth comes out as truth, of 1,000 people and 14 joints."""
    lsp = pytest.importorskip("wildpose.data.lsp")
    model = Informed(lsp.load_lsp(shared_data / "lsp", "test"))
    report = evaluate_lsp(model, shared_data / "lsp")
    assert report.metrics["pck_torso_0.2"] == 100.0 and report.protocol["count"] == 1000
    assert report.protocol["joints"] == "14 of LSP, 14000 labelled"
