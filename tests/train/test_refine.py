"""The refiner's lessons by hand, that it learns, and its way from a checkpoint to prediction and back."""

import dataclasses
import math
import resource
import signal

import numpy as np
import pytest
import torch
from rendered_batch import MODEL, Dots, tiny_config, tiny_data

from wildpose.cli import main
from wildpose.data.batches import Batch
from wildpose.data.lifted import write_lifted
from wildpose.errors import InputError
from wildpose.export import describe, export_onnx, load_generator
from wildpose.models.refiner import PELVIS, Evidence, PoseRefiner
from wildpose.predict.onnx_model import OnnxModel
from wildpose.stored import rounded
from wildpose.train import lessons as lessons_module
from wildpose.train.guard import full_disk_told
from wildpose.train.lessons import Lessons, _write, true_pose
from wildpose.train.places import learn_places, poses_of
from wildpose.train.refine import RefineSettings, pose_error, refine, teach
from wildpose.train.start import read_start
from wildpose.train.state import Training

SHORT = RefineSettings(width=16, places_width=8, views=6, crops=96, rounds=2, batch=32)


def batch_of(joints_crop_px: torch.Tensor, mask: torch.Tensor, depth: torch.Tensor) -> Batch:
    n = len(joints_crop_px)
    empty = torch.zeros(n, 16, 8, 8)
    return Batch(torch.zeros(n, 32, 32, 3, dtype=torch.uint8), joints_crop_px, empty, mask, depth, depth.isfinite())


def test_the_true_pose_is_relative_to_a_pelvis_that_is_known_and_in_the_picture():
    joints = torch.full((3, 16, 2), 15.5)  # the middle of 32 px
    joints[:, 0] = torch.tensor([23.5, 7.5])  # half of half a side to the right, as much up
    joints[1, PELVIS] = torch.tensor([40.0, 15.5])  # outside
    mask = torch.ones(3, 16, dtype=torch.bool)
    mask[0, 1] = False
    mask[2, PELVIS] = False
    depth = torch.full((3, 16), math.nan)
    depth[0, 0] = 0.25
    pose = true_pose(batch_of(joints, mask, depth), 32)
    assert pose[0, 0].tolist() == [0.5, -0.5, 0.25]
    assert pose[0, PELVIS, :2].tolist() == [0, 0] and pose[0, PELVIS, 2].isnan()
    assert pose[0, 1].isnan().all()
    assert pose[1].isnan().all() and pose[2, ..., :2].isnan().all()


def test_the_error_is_the_mean_distance_over_what_is_labelled():
    truth = torch.full((1, 16, 3), math.nan)
    truth[0, 0] = torch.tensor([0.0, 0.0, 0.0])
    truth[0, 1, :2] = torch.tensor([0.0, 0.0])
    pose = torch.zeros(1, 16, 3, requires_grad=True)
    with torch.no_grad():
        pose[0, 0] = torch.tensor([2.0, 3.0, 6.0])  # 7 away
        pose[0, 1] = torch.tensor([3.0, 4.0, 100.0])  # 5 away in the picture
    error = pose_error(pose, truth, truth.isfinite())
    assert error.item() == pytest.approx(6.0)
    error.backward()
    assert torch.allclose(pose.grad[0, 1], torch.tensor([0.3, 0.4, 0.0]))
    assert not pose.grad[0, 2:].any()


def test_it_learns_what_the_other_joints_tell_of_one():
    """The right ankle's height says 'unsure', and its place and depth are nonsense: they follow from knee and hip."""
    g = torch.Generator().manual_seed(0)
    place, depth = torch.rand(2000, 16, 2, generator=g) - 0.5, torch.rand(2000, 16, generator=g) - 0.5
    height = torch.full((2000, 16), 0.9)
    truth = torch.cat([place, depth[..., None]], -1)
    truth[:, 0] = 2 * truth[:, 1] - truth[:, 2]
    height[:, 0] = 0.1
    seen = Evidence(place, height, place, torch.zeros_like(height), depth)
    lessons = Lessons(seen, truth - truth[:, PELVIS : PELVIS + 1])
    torch.manual_seed(0)
    refiner = PoseRefiner(64)

    def error() -> float:
        with torch.no_grad():
            return float((refiner.correct(seen) - lessons.pose)[:, 0].norm(dim=-1).mean())

    before = error()
    teach(refiner, lessons, RefineSettings(rounds=15, batch=100, lr=3e-3), lambda line: None)
    assert before > 0.8 and error() < 0.25 * before


@pytest.fixture(scope="module")
def refined(tmp_path_factory):
    """A checkpoint of a network, and that of the same with a refiner."""
    folder = tmp_path_factory.mktemp("refine")
    training = Training(tiny_config(), "pretrain-3d")
    training.origin |= {"bone_sum_mm": 4000.0, "history": [{"phase": "pretrain-3d", "steps": 0, "batch": 4}]}
    training.origin["data"] = [{"name": "made up", "terms": "none", "samples": 8}]
    plain = training.save(folder / "pretrain-3d")
    return plain, refine(plain, tiny_data(), folder, SHORT, lambda line: None)


def test_the_network_itself_stays_as_it_is(refined):
    before, after = (read_start(checkpoint) for checkpoint in refined)
    added = {name for name in after.weights if name.startswith("refiner.")}
    assert added and after.weights.keys() - added == before.weights.keys()
    assert all(torch.equal(after.weights[name], weight) for name, weight in before.weights.items())
    assert any(after.weights[name].any() for name in added if name.startswith("refiner.net.5")), "it learnt something"
    assert [entry["phase"] for entry in after.origin["history"]] == ["pretrain-3d", "refine"]


def test_a_weights_file_of_it_gives_the_refined_pose(refined, tmp_path):
    generator, state = load_generator(refined[1])
    export_onnx(generator, describe(generator, state, "test", []), tmp_path / "w.onnx")
    model = OnnxModel.load(tmp_path / "w.onnx")
    crops = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    answer = model.run(crops)
    with torch.no_grad():
        maps = generator(torch.from_numpy(crops))
    assert np.abs(answer.pose - maps.pose.numpy()).max() < 0.02  # int8 in the file
    assert np.array_equal(answer.read(model.codec)[2], answer.pose)

    assert read_start(tmp_path / "w.onnx").weights.keys() == generator.state_dict().keys() - counters(generator)
    on = Training(tiny_config(model=generator.config), "pretrain-3d")
    on.start_from(tmp_path / "w.onnx")  # as `wildpose adapt` does
    as_stored = rounded(generator.refiner.net[0].weight.numpy(), "int8")
    torch.testing.assert_close(on.average.refiner.net[0].weight, torch.from_numpy(as_stored))


def test_a_full_disk_is_told_as_such(tmp_path):
    """Not as an error of the library that makes bytes of tensors: `full_disk_told` has to know it."""
    sizes = {"first": (2,), "height": (), "second": (2,), "second_height": (), "depth": (), "pose": (3,)}
    lessons = Lessons.of({name: torch.zeros(40, 16, *size) for name, size in sizes.items()})
    people = Dots(90, with_3d=False)
    writes = (
        lambda: _write(tmp_path / "part.safetensors", lessons),
        lambda: write_lifted(tmp_path / "dots.safetensors", np.zeros((90, 16)), people, "a test"),
    )
    for write in writes:
        write()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        for write in writes:
            with pytest.raises(InputError, match="room on the disk"), full_disk_told(tmp_path):
                write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)


def counters(network: torch.nn.Module) -> set[str]:
    return {name for name in network.state_dict() if name.endswith("num_batches_tracked")}


def test_training_on_drops_it_unless_it_is_asked_to_keep_it(refined):
    on = Training(tiny_config(), "pretrain-3d")
    on.start_from(refined[1])
    assert on.generator.refiner is None
    with_refiner = dataclasses.replace(MODEL, refiner_width=16, refiner_places_width=8)
    kept = Training(tiny_config(model=with_refiner), "pretrain-3d")
    kept.start_from(refined[1])
    weight = read_start(refined[1]).weights["refiner.net.0.weight"]
    assert torch.equal(kept.average.refiner.net[0].weight, weight)


def test_refined_again_it_starts_anew(refined, tmp_path):
    again = refine(refined[1], tiny_data(), tmp_path, SHORT, lambda line: None)
    first, second = (read_start(checkpoint).weights for checkpoint in (refined[1], again))
    assert all(torch.equal(first[name], second[name]) for name in first), "seeded: the same refiner, not one on top"


def test_lessons_leave_what_it_knows_of_places_and_so_does_going_on(refined, tmp_path):
    known = {name: value for name, value in read_start(refined[1]).weights.items() if ".places." in name}
    assert known and sum(".net." in name for name in known) == len(known)
    torch.manual_seed(SHORT.seed)
    fresh = PoseRefiner(16, 8).places
    learn_places(fresh, poses_of(tiny_data()), SHORT.views, SHORT.seed, lambda line: None)
    assert known.keys() == {f"refiner.places.{name}" for name in fresh.state_dict()}
    on = refine(refined[1], tiny_data(), tmp_path, dataclasses.replace(SHORT, go_on=True), lambda line: None)
    after = read_start(on).weights
    assert all(torch.equal(after[name], value) for name, value in known.items())
    assert not torch.equal(after["refiner.net.5.weight"], read_start(refined[1]).weights["refiner.net.5.weight"])


def test_without_places_it_is_as_it_was_before_there_were_any(refined, tmp_path):
    done = refine(refined[0], tiny_data(), tmp_path, dataclasses.replace(SHORT, places_width=0), lambda line: None)
    start = read_start(done)
    assert start.model.refiner_places_width == 0 and not any(".places." in name for name in start.weights)
    assert start.weights["refiner.net.0.weight"].shape == (16, 7 * 16)


class Killed(BaseException):
    pass


def stop_after(line: str):
    def notify(told: str) -> None:
        if told.startswith(line):
            raise Killed

    return notify


def test_killed_it_goes_on_to_the_same_end(refined, tmp_path, monkeypatch):
    monkeypatch.setattr(lessons_module, "PART", 1)
    long = dataclasses.replace(SHORT, crops=4 * lessons_module.BATCH)
    undisturbed = refine(refined[0], tiny_data(), tmp_path / "a", long, lambda line: None)
    for line in ("seen 96 of", "round 1/2"):
        with pytest.raises(Killed):
            refine(refined[0], tiny_data(), tmp_path / "b", long, stop_after(line))
    parts = sorted((tmp_path / "b/refine/lessons").glob("*/*"))
    assert len(parts) == 4
    parts[2].write_bytes(parts[2].read_bytes()[:-7])  # cut short: seen again, and what comes after it
    told: list[str] = []
    done = refine(refined[0], tiny_data(), tmp_path / "b", long, told.append)
    assert any(line.startswith("goes on after 96 crops") for line in told)
    assert "seen 144 of 192 crops" in told and "seen 96 of 192 crops" not in told
    first, second = (read_start(checkpoint).weights for checkpoint in (undisturbed, done))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not (tmp_path / "b/refine/lessons").exists()


def test_lessons_of_another_network_or_seed_are_not_taken_up(refined, tmp_path, monkeypatch):
    monkeypatch.setattr(lessons_module, "PART", 1)
    with pytest.raises(Killed):
        refine(refined[0], tiny_data(), tmp_path, SHORT, stop_after("round 1/2"))
    other = Training(tiny_config(seed=5), "pretrain-3d")
    other.origin |= {"bone_sum_mm": 4000.0}

    def told_by(start, settings) -> list[str]:
        told: list[str] = []
        with pytest.raises(Killed):
            refine(start, tiny_data(), tmp_path, settings, lambda line: (told.append(line), stop_after("seen")(line)))
        return told

    for start, settings in ((other.save(tmp_path / "other"), SHORT), (refined[0], dataclasses.replace(SHORT, seed=1))):
        assert not any("goes on" in line for line in told_by(start, settings))


def test_it_says_what_it_needs(refined, tmp_path, capsys):
    only_2d = dataclasses.replace(tiny_data(), studio=None)
    with pytest.raises(InputError, match="3D labels"):
        refine(refined[0], only_2d, tmp_path, SHORT)
    few = dataclasses.replace(SHORT, crops=48, batch=64)
    with pytest.raises(InputError, match="at least 64 crops"):
        refine(refined[0], dataclasses.replace(tiny_data(), wild=Dots(3, False)), tmp_path, few, lambda line: None)
    with pytest.raises(SystemExit) as stopped:
        main(["refine", str(refined[0]), "--out", str(tmp_path), "--lsp", "nowhere", "--crops", "0"])
    assert stopped.value.code == 2 and "at least 1" in capsys.readouterr().err
