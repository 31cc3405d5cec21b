"""Depth labels: that they are learnt, belong to their photos, survive a kill, and reach the trainer."""

import dataclasses

import numpy as np
import pytest
import torch
from rendered_batch import Dots, tiny_config, tiny_data

from wildpose.cli import main
from wildpose.codec import HeatmapCodec
from wildpose.data.batches import make_example
from wildpose.data.lifted import Lifted, source_of, with_lifted, write_lifted
from wildpose.errors import InputError
from wildpose.geometry import Crop
from wildpose.models.lifter import Lifter
from wildpose.models.places import PlaceLifter
from wildpose.models.refiner import Evidence
from wildpose.train import lessons as lessons_module
from wildpose.train import places as places_module
from wildpose.train.lessons import Lessons
from wildpose.train.lift import LiftSettings, learn_hints, lift
from wildpose.train.places import depth_error, learn_places
from wildpose.train.state import Training
from wildpose.train.views import PELVIS

SHORT = LiftSettings(width=16, views=6, crops=768, rounds=1)


def quiet(_line: str) -> None: ...


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return Training(tiny_config(), "pretrain-3d").save(tmp_path_factory.mktemp("lift") / "pretrain-3d")


@pytest.fixture(scope="module")
def lifted(network, tmp_path_factory):
    return lift(network, tiny_data(), tmp_path_factory.mktemp("lifted"), SHORT, quiet)


def test_the_error_counts_what_is_known():
    truth = torch.tensor([[1.0, float("nan"), -1.0]])
    depth = torch.tensor([[2.0, 5.0, -4.0]], requires_grad=True)
    error = depth_error(depth, truth)
    assert error.item() == 2.0
    error.backward()
    assert depth.grad.tolist() == [[0.5, 0.0, -0.5]]


def test_foreshortening_is_learnt_from_poses_alone(monkeypatch):
    """One rigid pose, seen from anywhere: its places tell its depth."""
    pose = 300 * torch.randn(1, 16, 3, generator=torch.Generator().manual_seed(2))
    torch.manual_seed(0)
    errors: list[float] = []
    monkeypatch.setattr(places_module, "BATCH", 128)
    learn_places(PlaceLifter(64), pose, 240, 0, lambda line: errors.append(float(line.split()[-4])), lr=3e-3)
    assert len(errors) == 6 and errors[-1] < 0.6 * errors[0]


def test_a_network_that_is_right_is_believed():
    random = torch.Generator().manual_seed(3)
    pose = torch.rand(1024, 16, 3, generator=random) - 0.5
    pose -= pose[:, PELVIS : PELVIS + 1].clone()
    ones = torch.ones(1024, 16)
    lessons = Lessons(Evidence(pose[..., :2], ones, pose[..., :2], 0 * ones, pose[..., 2] + 0.2), pose)
    torch.manual_seed(0)
    errors: list[float] = []
    settings = LiftSettings(rounds=30, lr=3e-3)
    learn_hints(Lifter(32), lessons, settings, lambda line: errors.append(float(line.split()[-4])))
    assert errors[-1] < 0.2 * errors[0]


def test_labels_lie_beside_their_photos(lifted):
    dots = tiny_data().parts[0].samples
    people = with_lifted(dots, lifted / "lsp.safetensors")
    sample = people.load(3)
    assert sample.depth_px.shape == (16,) and np.isfinite(sample.depth_px).all() and sample.depth_px[PELVIS] == 0
    assert sample.joints_cam_mm is None and np.array_equal(sample.image_rgb, dots.load(3).image_rgb)
    assert not (lifted / "lessons").exists()


def test_those_of_other_people_are_refused(lifted, tmp_path):
    path = lifted / "lsp.safetensors"
    with pytest.raises(InputError, match="those of others"):
        with_lifted(Dots(12, with_3d=False, seed=9), path)
    with pytest.raises(InputError, match="wildpose lift"):
        with_lifted(Dots(12, with_3d=False), tmp_path / "none.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="depth labels in"):
        with_lifted(Dots(12, with_3d=False), broken)
    assert source_of(broken) is None


def test_depth_reaches_the_targets_in_half_sides_of_the_crop():
    dots = Dots(1, with_3d=True)
    whole = dots.load(0)
    depth_px = (whole.joints_cam_mm[:, 2] - whole.joints_cam_mm[PELVIS, 2]) / 20  # Dots: 20 mm a px
    crop, codec = Crop((30.0, 33.0), 50.0, 0.3), HeatmapCodec(32, 8, 1.0)
    measured = make_example(whole, crop, True, codec)
    plain = dataclasses.replace(whole, joints_cam_mm=None)
    told = make_example(dataclasses.replace(plain, depth_px=depth_px), crop, True, codec)
    np.testing.assert_allclose(told["depth"], measured["depth"], atol=1e-5)
    assert not make_example(plain, crop, True, codec)["depth_mask"].any()


def test_people_without_depth_have_none(tmp_path):
    dots = Dots(2, with_3d=False)
    depth_px = np.full((2, 16), np.nan)
    depth_px[1, 4] = 3.0
    write_lifted(tmp_path / "x.safetensors", depth_px, dots, "a test")
    people = with_lifted(dots, tmp_path / "x.safetensors")
    assert isinstance(people, Lifted) and len(people) == 2
    assert people.load(0).depth_px is None and people.load(1).depth_px[4] == 3.0


class Killed(BaseException):
    pass


def stop_after(line: str, told: list[str]):
    def notify(text: str) -> None:
        told.append(text)
        if text.startswith(line):
            raise Killed

    return notify


def test_killed_it_goes_on_to_the_same_labels(network, lifted, tmp_path, monkeypatch):
    monkeypatch.setattr(lessons_module, "PART", 4)
    told: list[str] = []
    for line in ("seen 384 of", "depth by places and picture", "lsp: depth"):
        with pytest.raises(Killed):
            lift(network, tiny_data(), tmp_path, SHORT, stop_after(line, told))
    done = lift(network, tiny_data(), tmp_path, SHORT, told.append)
    assert any(line.startswith("goes on after 384 crops") for line in told)
    first, second = (with_lifted(Dots(12, False), folder / "lsp.safetensors") for folder in (lifted, done))
    assert np.array_equal(first.depth_px, second.depth_px)
    told.clear()
    lift(network, tiny_data(), tmp_path, SHORT, told.append)
    assert len(told) == 1 and told[0].endswith("has these labels already")
    with pytest.raises(Killed):  # other settings: made anew
        lift(network, tiny_data(), tmp_path, dataclasses.replace(SHORT, seed=1), stop_after("seen", told))


def test_it_says_what_it_needs(network, tmp_path, capsys):
    with pytest.raises(InputError, match="3D labels"):
        lift(network, dataclasses.replace(tiny_data(), studio=None), tmp_path, SHORT)
    with pytest.raises(InputError, match="at least 256 crops with 3D labels"):
        lift(network, tiny_data(), tmp_path, dataclasses.replace(SHORT, crops=48), quiet)
    with pytest.raises(SystemExit) as stopped:
        main(["lift", str(network), "--out", str(tmp_path), "--lsp", "nowhere", "--views", "0"])
    assert stopped.value.code == 2 and "at least 1" in capsys.readouterr().err
