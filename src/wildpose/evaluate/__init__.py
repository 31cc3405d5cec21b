"""Weights and a data set in, the paper's tables out. Every number says what it counts, over whom and by which rule."""

from wildpose.evaluate.poses import (
    PELVIS,
    Info,
    Model,
    Poses,
    Truth,
    codec_of,
    decode_poses,
    predict_set,
)
from wildpose.evaluate.rendered import evaluate_studio, groupings
from wildpose.evaluate.three_d import evaluate_3d, evaluate_human36m, evaluate_mpi_inf_3dhp
from wildpose.evaluate.two_d import evaluate_2d, evaluate_lsp, evaluate_mpii

__all__ = [
    "PELVIS",
    "Info",
    "Model",
    "Poses",
    "Truth",
    "codec_of",
    "decode_poses",
    "evaluate_2d",
    "evaluate_3d",
    "evaluate_human36m",
    "evaluate_lsp",
    "evaluate_mpi_inf_3dhp",
    "evaluate_mpii",
    "evaluate_studio",
    "groupings",
    "predict_set",
]
