"""Settings: presets are the paper's, overrides are typed, JSON comes back as it went."""

import json

import pytest

from wildpose.config import PRESETS, TrainConfig, from_dict, override, to_json
from wildpose.errors import InputError


def test_paper_presets_say_what_section_5_says():
    for name, stacks in (("full-2s", 2), ("full-4s", 4)):
        config = PRESETS[name]
        assert config.model.stacks == stacks
        assert (config.model.blocks, config.model.input_px, config.model.heatmap_px) == (1, 256, 64)
        assert config.model.depth_stages == 3 and config.model.depth_readout == "average"
        assert config.batch == 12
        assert config.pretrain_3d.steps == 200_000
        assert config.adversarial.steps == 120_000
        assert config.adversarial_loss.weight == 1e-4
        assert config.model.sigma_px == 1.0
        assert config.depth_loss == "squared"
        assert config.ema == 0.0
        assert config.adversarial.batch_3d == config.batch // 2


def test_overrides_reach_nested_fields_with_their_types():
    config = override(
        PRESETS["small"],
        ("batch=8", "adversarial_loss.fix_2d=true", "discriminator.sources=image,geometry", "pretrain_2d.lr=1e-4"),
    )
    assert config.batch == 8
    assert config.adversarial_loss.fix_2d is True
    assert config.discriminator.sources == ("image", "geometry")
    assert config.pretrain_2d.lr == 1e-4
    assert PRESETS["small"].batch == 16


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("batch", "name=value"),
        ("batch=many", "batch as int"),
        ("bacth=8", "'bacth'"),
        ("model.stack=8", "'stack'"),
        ("precision=float16", "float16"),
        ("adversarial_loss.fix_2d=1", "bool"),
        ("discriminator.sources=image,sound", "sound"),
        ("batch.size=8", "plain value"),
        ("model=8", "model"),
    ],
)
def test_a_wrong_override_names_the_field(assignment, says):
    with pytest.raises(InputError, match=says):
        override(PRESETS["small"], (assignment,))


def test_json_round_trip_and_unknown_names():
    values = json.loads(to_json(PRESETS["smoke"]))
    assert from_dict(TrainConfig, values) == PRESETS["smoke"]
    values["model"]["stakcs"] = 3
    with pytest.raises(InputError, match="stakcs"):
        from_dict(TrainConfig, values)
    with pytest.raises(InputError, match="pretrain_2d"):
        from_dict(TrainConfig, {"batch": 1})
