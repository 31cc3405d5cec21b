"""The 2D evaluator on people whose joints are known, and the averaging with the mirrored image."""

import json

import numpy as np
import pytest
from made_up_people import Informed, People, Photos

from wildpose import metrics
from wildpose.cli import main
from wildpose.errors import InputError
from wildpose.evaluate import evaluate_2d, evaluate_lsp
from wildpose.predict.mirrored import InMirror, Mirrored
from wildpose.skeleton import MPII16


@pytest.mark.parametrize("photos", [Photos(), People()], ids=["LSP's labels", "pelvis and thorax labelled as well"])
def test_2d_evaluation_counts_the_14_joints_of_lsp(photos):
    report = evaluate_2d(Informed(photos), photos, "photos")
    assert report.metrics["pck_torso_0.2"] == 100.0
    assert "pck_torso_0.2/pelvis" not in report.metrics and len(report.metrics) == 18
    assert report.metrics["pcp_strict_0.5"] == 100.0 and report.tables[1].columns[:2] == ("Torso", "U.Leg")
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
    plain, depth = Sided().run(crops)
    both, both_depth, _ = Mirrored(Sided()).run(crops)
    assert plain[0, MPII16.index("left_wrist"), 10, 25] == 200
    assert np.array_equal(plain, both) and np.array_equal(depth, both_depth)
    back, back_depth, _ = InMirror(Sided()).run(crops)
    assert np.array_equal(plain, back) and np.array_equal(depth, back_depth)


def test_a_network_that_sees_nothing_contradicts_itself_in_the_mirror():
    """It always says: the right wrist, in the third column. In the mirror that is a left wrist in the third from the
    right."""

    class Blind:
        info = Informed(None).info

        def run(self, crops_rgb):
            heatmaps, depth = np.zeros((len(crops_rgb), 16, 32, 32), np.float32), np.zeros((len(crops_rgb), 16))
            heatmaps[:, MPII16.index("right_wrist"), 10, 2] = depth[:, MPII16.index("right_wrist")] = 1.0
            return heatmaps, depth

    heatmaps, depth, pose = InMirror(Blind()).run(np.zeros((2, 128, 128, 3), np.uint8))
    where = [0, MPII16.index("left_wrist"), 10, 29], [1, MPII16.index("left_wrist"), 10, 29]
    assert np.argwhere(heatmaps).tolist() == list(where) and pose is None
    assert np.argwhere(depth).tolist() == [[0, MPII16.index("left_wrist")], [1, MPII16.index("left_wrist")]]


def test_the_command_prints_the_table_and_writes_the_json(tmp_path, monkeypatch, capsys):
    photos = Photos()
    monkeypatch.setattr("wildpose.predict.onnx_model.OnnxModel.load", lambda weights: Informed(photos))
    monkeypatch.setattr("wildpose.data.lsp.load_lsp", lambda root, split: photos)
    main(["evaluate", "--data", "lsp", "--root", "anywhere", "--no-flip", "--out", str(tmp_path / "lsp.json")])
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
