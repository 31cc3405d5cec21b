"""Weights and a data set in, the paper's tables out. Every number says what it counts, over whom and by which rule.

A model is anything with the two members of `Model`: the ONNX runtime model of `wildpose.predict`, or a wrapper around
a network in training.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from tqdm import tqdm

from wildpose import metrics
from wildpose.codec import HeatmapCodec
from wildpose.data.sample import Sample, SampleSet
from wildpose.data.studio import StudioSet
from wildpose.errors import InputError
from wildpose.geometry import Crop, apply_affine, crop_matrix, depth_in_crop, invert_affine, square_crop
from wildpose.geometry import weak_perspective_scale as px_per_mm
from wildpose.predict.crops import ImagePyramid
from wildpose.report import Report, Table
from wildpose.skeleton import LSP14, MPII16, convert

PELVIS = MPII16.index("pelvis")
LSP_JOINTS = convert(np.zeros((LSP14.n, 2)), LSP14, MPII16)[1]
"""Which of the 16 joints LSP annotates: all but pelvis and thorax. Also the 14 that count for PCK at 150 mm."""
BATCH = 32


@runtime_checkable
class Info(Protocol):
    """What has to be known of weights to judge them; `wildpose.predict.onnx_model.WeightsInfo` is one."""

    name: str
    sha256: str
    input_px: int
    heatmap_px: int
    sigma_px: float
    crop_scale: float
    bone_sum_mm: float


@runtime_checkable
class Model(Protocol):
    """What is evaluated."""

    info: Info

    def run(
        self, crops_rgb: UInt8[np.ndarray, "N Hi Wi 3"]
    ) -> tuple[Float[np.ndarray, "N P h w"], Float[np.ndarray, "N P"]]: ...


@dataclass(frozen=True)
class Poses:
    """Decoded outputs of N people, with what is needed to bring them to mm."""

    joints_px: Float[np.ndarray, "N 16 2"]
    """In the image, px."""
    poses: Float[np.ndarray, "N 16 3"]
    """Relative to the pelvis in half crop sides, camera axes."""
    half_sides_px: Float[np.ndarray, " N"]
    """Half the side of each crop, image px."""


@dataclass(frozen=True)
class Truth:
    """The labels of N people."""

    joints_px: Float[np.ndarray, "N 16 2"]
    mask: Bool[np.ndarray, "N 16"]
    joints_cam_mm: Float[np.ndarray, "N 16 3"] | None


def evaluate_lsp(model: Model, lsp_root: str | Path, split: str = "test", flip: bool = False) -> Report:
    """PCK@0.2 of the torso on Leeds Sports Poses, person-centric; crops around the annotated joints.

    Raises InputError if the data set is not there or incomplete.
    """
    from wildpose.data.lsp import load_lsp

    return evaluate_2d(model, load_lsp(lsp_root, split), f"LSP {split}", flip)


def evaluate_2d(model: Model, samples: SampleSet, name: str, flip: bool = False) -> Report:
    """PCK@0.2 of the torso over the 14 joints of LSP, whatever set of photos it is."""
    found, _, truth = predict_set(model, samples, flip)
    mask = truth.mask & LSP_JOINTS
    per_joint = metrics.pck_torso(found.joints_px, truth.joints_px, mask)
    row = metrics.joint_columns(per_joint)
    protocol = _protocol(model, name, len(samples), flip) | {
        "metric": "PCK@0.2 of the torso (left shoulder to right hip), percent, <=; person-centric annotations",
        "joints": f"{int(mask.any(0).sum())} of LSP, {int(mask.sum())} labelled",
        "mean": "unweighted over the joints",
    }
    table = Table(f"{name}: PCK@0.2, percent, {len(samples)} people", tuple(row), {"PCK@0.2": tuple(row.values())})
    numbers = {"pck_torso_0.2": row["Mean"]}
    numbers |= {f"pck_torso_0.2/{j}": float(v) for j, v in zip(MPII16.joints, per_joint, strict=True) if np.isfinite(v)}
    return Report(protocol, numbers, (table,))


def evaluate_studio(
    model: Model, studio_dir: str | Path, scale_rule: str = "train-mean", flip: bool = False, kind: str = "studio"
) -> Report:
    """Protocols #1 and #2 on the test images of a rendered set of that kind, with the floor of the protocol.

    Raises InputError if the set is not there, incomplete, of another kind, or has no image of split `test`.
    """
    rendered = StudioSet(studio_dir)
    found = rendered.manifest["kind"]
    if found != kind:
        raise InputError(f"a rendered set of kind {kind} in {studio_dir}", found, f"say --data {found}")
    which = np.flatnonzero(rendered.split == "test")
    if not len(which):
        have = ", ".join(sorted(set(rendered.split.tolist()))) or "none"
        raise InputError(f"images of split test in {studio_dir}", f"splits {have}", "render the test split as well")
    report = evaluate_3d(model, _Rows(rendered, which), rendered.action[which], f"{kind} test", scale_rule, flip)
    subjects = ", ".join(sorted(set(rendered.subject[which].tolist())))
    cameras = len(set(rendered.camera[which].tolist()))
    return replace(report, protocol=report.protocol | {"subjects": subjects, "cameras": cameras})


class _Rows:
    """Some of a rendered set as samples; their truth is known outside the image as well."""

    def __init__(self, rendered: StudioSet, rows: np.ndarray):
        self.rendered, self.rows = rendered, rows

    def __len__(self) -> int:
        return len(self.rows)

    def load(self, i: int) -> Sample:
        of, row = self.rendered, int(self.rows[i])
        known = np.ones(MPII16.n, dtype=bool)
        return Sample(of.image(row), of.joints_px[row], known, of.box_xywh[row], of.joints_cam_mm[row])


def evaluate_3d(
    model: Model,
    samples: SampleSet,
    actions: np.ndarray,
    name: str,
    scale_rule: str = "train-mean",
    flip: bool = False,
) -> Report:
    """Table 1 (per action, both protocols), Table 2 (limb groups) and Table 4 (PCK, AUC) of samples with 3D truth.

    The row `floor` is the same path fed with true heatmaps and true depth: what is left is the error of weak
    perspective, decoding and the scale rule, and none of the network's.
    """
    found, ideal, truth = predict_set(model, samples, flip)
    rows = {"wildpose": found, "floor": ideal}
    in_mm = {row: _to_mm(poses, truth, scale_rule, model.info) for row, poses in rows.items()}
    true_mm = metrics.root_relative(truth.joints_cam_mm.astype(np.float64))
    protocol = _protocol(model, name, len(samples), flip) | {
        "scale_rule": scale_rule,
        "bone_sum_mm": {"train-mean": model.info.bone_sum_mm, "legacy4296": metrics.LEGACY_BONE_SUM_MM}.get(scale_rule),
        "metric": "mm, 16 joints; Protocol #1: MPJPE, pelvis aligned; Protocol #2: after a similarity, no reflection",
        "pck": "error < 150 mm, pelvis aligned; AUC over 0:5:150 (31 values); 14 joints, no pelvis, no thorax",
        "floor": "true heatmaps and true depth through the same path",
        "average": "Avg. and all single numbers are over images, not over actions",
    }
    numbers = _numbers(in_mm["wildpose"], true_mm)
    numbers |= {f"floor/{key}": value for key, value in _numbers(in_mm["floor"], true_mm).items()}
    pck_2d = metrics.pck_torso(found.joints_px, truth.joints_px, truth.mask)
    numbers["pck_torso_0.2_16_joints"] = float(np.nanmean(pck_2d))
    return Report(protocol, numbers, tuple(_tables_3d(in_mm, true_mm, actions, name, scale_rule)))


def predict_set(model: Model, samples: SampleSet, flip: bool = False) -> tuple[Poses, Poses, Truth]:
    """The model's poses, the ideal ones (true heatmaps and depth through the same decoding) and the truth."""
    codec = codec_of(model.info)
    found, ideal, people = [], [], []
    for chunk in _chunks(samples):
        crops = [square_crop(sample.box_xywh, model.info.crop_scale) for sample in chunk]
        matrices = [crop_matrix(crop, codec.input_px) for crop in crops]
        pictures = np.stack([_cut(sample, crop, codec.input_px) for sample, crop in zip(chunk, crops, strict=True)])
        found.append(decode_poses(*run_flipped(model, pictures, flip), codec, crops, matrices))
        ideal.append(decode_poses(*_true_outputs(chunk, crops, matrices, codec), codec, crops, matrices))
        people += [(s.joints_px, s.mask, s.joints_cam_mm) for s in chunk]
    joints_px, mask, cam = zip(*people, strict=True)
    truth = Truth(np.stack(joints_px), np.stack(mask), None if cam[0] is None else np.stack(cam))
    return _joined(found), _joined(ideal), truth


def codec_of(info: Info) -> HeatmapCodec:
    """The codec that weights were trained with."""
    return HeatmapCodec(info.input_px, info.heatmap_px, info.sigma_px)


def run_flipped(
    model: Model, crops_rgb: UInt8[np.ndarray, "N Hi Wi 3"], flip: bool
) -> tuple[Float[np.ndarray, "N P h w"], Float[np.ndarray, "N P"]]:
    """The model's outputs; with `flip`, averaged with those of the mirrored crops."""
    heatmaps, depth = model.run(crops_rgb)
    if not flip:
        return heatmaps, depth
    mirrored_maps, mirrored_depth = model.run(np.ascontiguousarray(crops_rgb[:, :, ::-1]))
    mirrored_maps = mirrored_maps[:, MPII16.mirror, :, ::-1]
    return (heatmaps + mirrored_maps) / 2, (depth + mirrored_depth[:, MPII16.mirror]) / 2


def decode_poses(
    heatmaps: Float[np.ndarray, "N P h w"],
    depth: Float[np.ndarray, "N P"],
    codec: HeatmapCodec,
    crops: Sequence[Crop],
    matrices: Sequence[np.ndarray],
) -> Poses:
    """Outputs of N crops to joints in their images and poses in half crop sides."""
    joints_crop_px, _ = codec.decode(heatmaps)
    joints_px = np.stack([apply_affine(invert_affine(m), j) for m, j in zip(matrices, joints_crop_px, strict=True)])
    half_sides_px = np.array([crop.side_px / 2 for crop in crops])
    return Poses(joints_px, codec.lift(joints_crop_px, depth, PELVIS), half_sides_px)


def _true_outputs(chunk: Sequence[Sample], crops: Sequence[Crop], matrices: Sequence[np.ndarray], codec: HeatmapCodec):
    """What a perfect network would put out for these samples; depth 0 where the truth is 2D only."""
    heatmaps, depth = [], []
    for sample, crop, matrix in zip(chunk, crops, matrices, strict=True):
        heatmaps.append(codec.encode(apply_affine(matrix, sample.joints_px), sample.mask))
        known = sample.joints_cam_mm is not None
        depth.append(
            depth_in_crop(sample.joints_cam_mm, sample.joints_px, crop, PELVIS) if known else np.zeros(MPII16.n)
        )
    return np.stack(heatmaps), np.stack(depth).astype(np.float32)


def _chunks(samples: SampleSet) -> Iterator[list[Sample]]:
    starts = range(0, len(samples), BATCH)
    for start in tqdm(starts, desc="evaluate", unit=f"x{BATCH}", disable=None, leave=False):
        yield [samples.load(i) for i in range(start, min(start + BATCH, len(samples)))]


def _cut(sample: Sample, crop: Crop, size_px: int) -> np.ndarray:
    """The crop as PoseEstimator cuts it: what is measured is what users get."""
    return ImagePyramid(sample.image_rgb).cut(crop, size_px)


def _joined(parts: Sequence[Poses]) -> Poses:
    return Poses(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("joints_px", "poses", "half_sides_px")))


def _to_mm(poses: Poses, truth: Truth, rule: str, info: Info) -> np.ndarray:
    """Poses in mm. Without a bone rule (`none`) the image's true weak-perspective scale turns crop units into mm."""
    cam = truth.joints_cam_mm.astype(np.float64)
    if rule == "none":
        mm_per_unit = poses.half_sides_px / px_per_mm(cam, truth.joints_px.astype(np.float64))
        return poses.poses * mm_per_unit[:, None, None]
    return metrics.scale_poses(poses.poses.astype(np.float64), rule, info.bone_sum_mm, cam)


def _numbers(found_mm: np.ndarray, true_mm: np.ndarray) -> dict[str, float]:
    errors = metrics.protocol1_errors(found_mm, true_mm)
    return {
        "mpjpe_p1_mm": metrics.mpjpe(found_mm, true_mm),
        "pa_mpjpe_p2_mm": metrics.pa_mpjpe(found_mm, true_mm),
        "pa_mpjpe_rigid_mm": metrics.pa_mpjpe_rigid(found_mm, true_mm),
        "n_mpjpe_mm": metrics.n_mpjpe(found_mm, true_mm),
        "pck3d_150": metrics.pck3d(errors[:, LSP_JOINTS]),
        "auc": metrics.auc(errors[:, LSP_JOINTS]),
    }


def _tables_3d(
    in_mm: dict[str, np.ndarray], true_mm: np.ndarray, actions: np.ndarray, name: str, rule: str
) -> Iterator[Table]:
    count = f"{len(true_mm)} images, scale rule {rule}"
    names = sorted(set(actions.tolist()))
    errors = {row: metrics.protocol1_errors(poses, true_mm) for row, poses in in_mm.items()}
    aligned = {row: metrics.protocol2_errors(poses, true_mm) for row, poses in in_mm.items()}
    for title, of in (("Protocol #1, MPJPE", errors), ("Protocol #2, PA-MPJPE", aligned)):
        rows = {r: (*(float(e[actions == a].mean()) for a in names), float(e.mean())) for r, e in of.items()}
        rows["images"] = (*(int((actions == a).sum()) for a in names), len(actions))
        yield Table(f"{name}: {title}, mm, {count}", (*names, "Avg."), rows)
    limbs = {row: metrics.limb_errors(e) | {"mean": float(e.mean())} for row, e in errors.items()}
    columns = tuple(next(iter(limbs.values())))
    yield Table(f"{name}: limbs, Protocol #1, mm, {count}", columns, {r: tuple(v.values()) for r, v in limbs.items()})
    reach = {r: (metrics.pck3d(e[:, LSP_JOINTS]), metrics.auc(e[:, LSP_JOINTS])) for r, e in errors.items()}
    yield Table(f"{name}: PCK at 150 mm and AUC, percent, 14 joints, {count}", ("PCK", "AUC"), reach)


def _protocol(model: Model, name: str, count: int, flip: bool) -> dict[str, Any]:
    return {
        "set": name,
        "count": count,
        "weights": model.info.name,
        "sha256": model.info.sha256,
        "input_px": model.info.input_px,
        "crop": f"square of {model.info.crop_scale} x the larger side of the annotated box",
        "flip_test": flip,
    }
