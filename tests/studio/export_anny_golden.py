"""Write what PyPI `anny` itself says of 40 bodies of the bank, at rest and posed, for test_bodies.py.

    python tests/studio/export_anny_golden.py

Poses go through anny's own forward kinematics and skinning; only its inputs are ours: phenotypes and bones' rotations.
"""

from pathlib import Path

import anny
import numpy as np
import torch

from wildpose.studio import bodies
from wildpose.studio.poses import ACTIONS, sample_pose

STEP_M = 7e-5
"""Positions are stored as whole multiples of this: half of it is the rounding error."""
PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions")


def main() -> None:
    bank = bodies.load_bank()
    chosen = np.arange(0, bank.count, 10)
    rng = np.random.default_rng(0)
    poses = np.array([sample_pose(rng, action)[0] for action in np.resize(list(ACTIONS), len(chosen))])
    rotations = np.array(
        [bodies.bone_rotations(bank, bank.rest(int(b)), pose) for b, pose in zip(chosen, poses, strict=True)]
    )
    points = np.sort(rng.choice(len(bank.arrays["anny_vertices"]), 200, replace=False))
    points[0] = bodies.head_top_vertex()
    model = anny.Anny(topology="anny-full").to(torch.float32)
    model.set_skinning_method("lbs")
    kwargs = {name: torch.tensor(bank.arrays[f"phenotype_{name}"][chosen]) for name in PHENOTYPES}
    with torch.inference_mode():
        rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**kwargs))
        orientation = rest["rest_bone_poses"].clone()
        orientation[:, :, :3, :3] = torch.tensor(rotations, dtype=torch.float32) @ orientation[:, :, :3, :3]
        posed = model(orientation, kwargs, pose_parameterization="world-orient")
    places = {
        "rest_vertices": rest["rest_vertices"],
        "rest_pivots": rest["rest_bone_heads"],
        "posed_vertices": posed["vertices"],
        "posed_pivots": posed["bone_poses"][:, :, :3, 3],
    }
    kept = {name: value.numpy() for name, value in places.items()}
    columns = bank.arrays["anny_vertices"][points]
    kept |= {name: kept[name][:, columns] for name in ("rest_vertices", "posed_vertices")}
    np.savez_compressed(
        Path(__file__).with_name("golden") / "anny.npz",
        bodies=chosen, points=points, rotations=rotations.astype(np.float32), step_m=np.float32(STEP_M),
        **{name: np.round(value / STEP_M).astype(np.int16) for name, value in kept.items()},
    )  # fmt: skip


if __name__ == "__main__":
    main()
