"""Small runs for the tests of training: coloured dots for joints, their colour for the depth; exact truth."""

import dataclasses

import numpy as np

from wildpose.config import PRESETS, DiscriminatorConfig, ModelConfig, PhaseConfig, TrainConfig
from wildpose.data.mix import Part, TrainData
from wildpose.data.sample import Sample

MODEL = ModelConfig(stacks=1, features=16, input_px=32, levels=2, depth_stages=2)


class Dots:
    """Sixteen dots on a 64 px picture. `with_3d` adds camera coordinates whose depth the brightness shows."""

    def __init__(self, count: int, with_3d: bool, seed: int = 0):
        rng = np.random.default_rng(seed)
        self.joints = rng.uniform(10, 54, (count, 16, 2)).astype(np.float32)
        self.z = rng.uniform(-300, 300, (count, 16)).astype(np.float32)
        self.with_3d = with_3d

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def joints_px(self) -> np.ndarray:
        return self.joints

    @property
    def joints_cam_mm(self) -> np.ndarray:
        return np.concatenate([(self.joints - 32) * 20, 3000 + self.z[..., None]], 2).astype(np.float32)

    def load(self, i: int) -> Sample:
        image = np.zeros((64, 64, 3), np.uint8)
        for k, (x, y) in enumerate(self.joints[i].round().astype(int)):
            image[y - 1 : y + 2, x - 1 : x + 2] = (15 * k + 15, 128 + self.z[i, k] / 3, 255 - 15 * k)
        box = np.array([10, 10, 44, 44], np.float32)
        return Sample(image, self.joints[i], np.ones(16, bool), box, self.joints_cam_mm[i] if self.with_3d else None)


def tiny_config(**changes) -> TrainConfig:
    depth = {"depth_weight": 0.05, "batch_3d": 4, "warmup_steps": 2}
    config = TrainConfig(
        model=MODEL,
        discriminator=DiscriminatorConfig(embedding=8, hidden=16),
        augment=PRESETS["small"].augment,
        pretrain_2d=PhaseConfig(steps=4, lr=1e-3, warmup_steps=2),
        pretrain_3d=PhaseConfig(steps=4, lr=1e-3, head_only_steps=1, **depth),
        adversarial=PhaseConfig(steps=4, lr=1e-3, **depth),
        batch=8,
        optimiser="adamw",
        schedule="cosine",
        ema=0.9,
        log_every=1,
        validate_every=2,
    )
    return dataclasses.replace(config, **changes)


def tiny_data() -> TrainData:
    wild, studio = Dots(12, with_3d=False), Dots(10, with_3d=True, seed=1)
    return TrainData(
        wild=wild,
        studio=studio,
        wild_val=Dots(4, with_3d=False, seed=2),
        studio_val=Dots(4, with_3d=True, seed=3),
        bone_sum_mm=4000.0,
        sources=({"name": "dots", "terms": "none", "samples": 22},),
        parts=(Part("lsp", wild, 1.0),),
        parts_3d=(Part("studio", studio, 1.0),),
    )
