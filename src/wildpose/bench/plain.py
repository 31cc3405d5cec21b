"""The training step written plainly: float32, eager, contiguous, one parameter at a time, one process. Speed-ups are
ratios to it, and its losses are those of wildpose.train.steps, from an implementation that shares none of its code."""

import copy
from typing import Any

from wildpose.bench.plain_muon import PlainMuon
from wildpose.config import Phase, TrainConfig


class PlainStep:
    """Called with a Batch, takes a step of `phase` and returns the unweighted losses. Needs torch.

    Starts from the same weights as wildpose.train.state.Training, and at the peak learning rate.
    """

    def __init__(self, config: TrainConfig, phase: Phase, device: Any):
        import torch

        from wildpose.codec import HeatmapCodec
        from wildpose.models.discriminator import Discriminator
        from wildpose.models.generator import Generator

        torch.manual_seed(config.seed)
        self.config, self.settings, self.step = config, config.phase(phase), 0
        self.codec = HeatmapCodec(config.model.input_px, config.model.heatmap_px, config.model.sigma_px)
        self.generator = Generator(config.model).to(device)
        self.average = copy.deepcopy(self.generator)
        parameters, lr = list(self.generator.parameters()), self.settings.lr
        decay = config.weight_decay
        if config.optimiser == "rmsprop":
            self.optimiser = torch.optim.RMSprop(parameters, lr, alpha=0.99, eps=1e-8, foreach=False)
        elif config.optimiser == "muon":
            self.optimiser = PlainMuon(parameters, lr, decay)
        else:
            self.optimiser = torch.optim.AdamW(parameters, lr, betas=(0.9, 0.99), weight_decay=decay, foreach=False)
        self.discriminator = None
        if phase == "adversarial":
            self.discriminator = Discriminator(config.discriminator, config.model).to(device)
            lr = config.adversarial_loss.lr_discriminator
            self.d_optimiser = torch.optim.Adam(self.discriminator.parameters(), lr, betas=(0.5, 0.999), foreach=False)

    def __call__(self, batch: Any) -> dict[str, float]:
        import torch

        self.generator.train()
        maps = self.generator(batch.crops_rgb)
        heatmap, depth = self._pose_losses(maps, batch)
        loss = heatmap + self.settings.depth_weight * depth
        terms = {"heatmap": heatmap, "depth": depth}
        if self.discriminator is not None:
            adversarial, d_terms = self._adversarial(maps, batch)
            loss = loss + self.config.adversarial_loss.weight * adversarial
            terms |= {"g_adversarial": adversarial, **d_terms}
        self.optimiser.zero_grad()
        loss.backward()
        if self.config.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.clip_norm, foreach=False)
        self.optimiser.step()
        self._average()
        self.step += 1
        return {name: float(value.detach()) for name, value in terms.items()}

    def _pose_losses(self, maps: Any, batch: Any) -> tuple:
        """Eq. (2), as means over what is labelled."""
        error = (maps.heatmaps - batch.heatmaps[:, None]) ** 2
        heatmap = error.mean((3, 4))[batch.heatmap_mask[:, None].expand(error.shape[:3])].sum()
        off = (maps.depth - batch.depth)[batch.depth_mask]
        off = off**2 if self.config.depth_loss == "squared" else off.abs().clamp(max=0.5)
        return heatmap / max(int(batch.heatmap_mask.sum()), 1), off.sum() / max(int(batch.depth_mask.sum()), 1)

    def _adversarial(self, maps: Any, batch: Any) -> tuple:
        """Eq. (3), a step of D; then the first term of eq. (5) against the new D."""
        import torch
        from torch.nn.functional import softplus

        from wildpose.models.discriminator import encode_evidence

        half = self.settings.batch_3d
        fake = encode_evidence(maps.heatmaps[:, -1], maps.depth, self.codec)
        real = encode_evidence(batch.heatmaps[:half], batch.depth[:half], self.codec)
        rows = torch.randperm(len(batch.depth), generator=torch.Generator().manual_seed(self.step))[:half]
        on_real = self.discriminator(batch.crops_rgb[:half], real)
        on_fake = self.discriminator(batch.crops_rgb[rows], fake.detach().part(rows))
        d_terms = {"d_real": softplus(-on_real).mean(), "d_fake": softplus(on_fake).mean()}
        self.d_optimiser.zero_grad()
        (d_terms["d_real"] + d_terms["d_fake"]).backward()
        self.d_optimiser.step()
        return softplus(-self.discriminator(batch.crops_rgb, fake)).mean(), d_terms

    def _average(self) -> None:
        keep = min(self.config.ema, (self.step + 1) / (self.step + 11))
        for ours, new in zip(self.average.state_dict().values(), self.generator.state_dict().values(), strict=True):
            ours.copy_(keep * ours + (1 - keep) * new if ours.is_floating_point() else new)
