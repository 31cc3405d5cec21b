"""`wildpose train all --preset smoke`: from nothing at hand to weights and pictures; and what it refuses."""

import json
from pathlib import Path

import onnxruntime
import pytest

from wildpose.cli import main
from wildpose.cli import train as command
from wildpose.config import PRESETS
from wildpose.train.start import read_start
from wildpose.train.state import Training

SHORT = [f"{phase}.steps=3" for phase in ("pretrain_2d", "pretrain_3d", "adversarial")]


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    out = tmp_path_factory.mktemp("smoke")
    images, command.SMOKE_IMAGES = command.SMOKE_IMAGES, 24
    try:
        main(["train", "all", "--preset", "smoke", "--out", str(out), "--set", *SHORT, "validate_every=3"])
    finally:
        command.SMOKE_IMAGES = images
    return out


@pytest.mark.slow
def test_smoke_needs_nothing_and_ends_with_weights_curves_and_a_picture(smoke):
    wanted = {"studio", "outdoor", "pretrain-2d", "pretrain-3d", "adversarial", "weights.onnx", "predictions.jpg"}
    assert {p.name for p in smoke.iterdir()} == wanted
    assert all((smoke / phase / "curves.png").stat().st_size > 5000 for phase in ("pretrain-2d", "adversarial"))
    session = onnxruntime.InferenceSession(smoke / "weights.onnx", providers=["CPUExecutionProvider"])
    told = json.loads(session.get_modelmeta().custom_metadata_map["wildpose"])
    assert [entry["phase"] for entry in told["history"]] == ["pretrain-2d", "pretrain-3d", "adversarial"]
    assert [entry["name"] for entry in told["training_data"]] == ["outdoor train, 2D labels", "studio train"]
    assert 2500 < told["bone_sum_mm"] < 5500, "the 14 bones of an adult, mm"


@pytest.mark.slow
def test_weights_of_a_run_predict(smoke, tmp_path):
    photo = smoke / "predictions.jpg"
    args = ["predict", str(photo), "--weights", str(smoke / "weights.onnx"), "--out", str(tmp_path)]
    main([*args, "--box", "20,20,200,300"])
    people = json.loads((tmp_path / "predictions.json").read_text())["frames"][0]["people"]
    assert len(people) == 1 and len(people[0]["joints_mm"]) == 16


def test_a_run_has_at_least_the_stacks_of_the_weights_it_starts_from():
    """So that `--init default` needs no word about its network; more stacks than the start's stay as asked for."""
    config = command.as_many_stacks(PRESETS["small"], Path("default"))
    assert config.model.stacks == read_start(Path("default")).model.stacks > PRESETS["small"].model.stacks
    Training(config, "pretrain-3d").start_from(Path("default"))  # raises for a network that doesn't fit
    assert command.as_many_stacks(PRESETS["full-4s"], Path("default")) == PRESETS["full-4s"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["pretrain-2d"], "at least one set with 2D labels"),
        (["pretrain-3d", "--lsp", "nowhere"], "--studio DIR"),
        (["pretrain-2d", "--lsp", "nowhere"], "no such file"),
        (["pretrain-2d", "--set", "batch=many"], "batch as int"),
        (["pretrain-2d", "--set", "model.input_px=100"], "multiple of 64"),
        (["adversarial", "--set", "adversarial.batch_3d=40"], "from 0 to batch = 16"),
        (["pretrain-2d", "--set", "log_every=0"], "log_every of at least 1"),
        # what only a later phase can't do, before the days of the earlier ones
        (["all", "--studio", "nowhere", "--preset", "full-2s", "--accumulate", "4"], "12 and 6; mend --set batch"),
        (["all", "--studio", "nowhere", "--set", "adversarial.batch_3d=0"], "from 1 to 16 samples with 3D labels"),
        (["adversarial", "--set", "discriminator.sources=image,image"], "each once"),
        (["adversarial", "--set", "discriminator.sources=image", "adversarial_loss.r1=1"], "image alone"),
    ],
)
def test_refusals_are_one_line_and_exit_code_2(args, says, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", *args, "--out", str(tmp_path / "run")])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_resume_never_refuses_a_run_that_is_there_and_auto_does_not(tmp_path, capsys):
    (tmp_path / "pretrain-3d" / "step-000100").mkdir(parents=True)
    args = ["train", "all", "--lsp", "nowhere", "--studio", "nowhere", "--out", str(tmp_path), "--resume"]
    for resume, says in (("never", "pretrain-3d, got step-000100; give another --out"), ("auto", "no such file")):
        with pytest.raises(SystemExit) as stopped:
            main([*args, resume])
        error = capsys.readouterr().err
        assert stopped.value.code == 2 and says in error and error.count("\n") == 1
