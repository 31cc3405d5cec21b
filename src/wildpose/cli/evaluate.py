"""`wildpose evaluate`: the paper's tables for a weights file and a data set."""

from pathlib import Path
from typing import Literal

from wildpose.cli.outputs import check_file


def evaluate(
    data: Literal["lsp", "mpii", "studio", "outdoor", "human36m", "mpi_inf_3dhp"],
    root: Path,
    weights: str = "default",
    scale_rule: Literal["legacy4296", "train-mean", "ground-truth", "none"] = "train-mean",
    flip: bool = True,
    stride: int = 64,
    split: Literal["test", "train", "val"] = "test",
    out: Path | None = None,
) -> None:
    """Measure weights on a data set with truth, and say by which protocol.

    Args:
        data: lsp (2D: PCK@0.2 of the torso and PCP on photos 1001-2000), mpii (2D: PCKh@0.5 on the validation people),
            studio, outdoor or human36m (3D: MPJPE, PA-MPJPE, PCK, AUC), or mpi_inf_3dhp (3D: PCK, AUC).
        root: Folder of the data set.
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        scale_rule: How predicted 3D poses get their size in mm.
        flip: Average with the prediction for the mirrored image, as predict does; --no-flip: the network alone.
        stride: Of human36m every which of the 50 frames a second.
        split: Of lsp, studio and outdoor; val: what training holds out to watch itself; train: of rendered sets the
            people whom the picture shows whole.
        out: Also write the numbers to this JSON file.
    """
    check_file(out)
    from wildpose.evaluate import (
        evaluate_human36m,
        evaluate_lsp,
        evaluate_mpi_inf_3dhp,
        evaluate_mpii,
        evaluate_studio,
    )
    from wildpose.predict.onnx_model import OnnxModel

    model = OnnxModel.load(weights)
    if data == "lsp":
        report = evaluate_lsp(model, root, split, flip=flip)
    elif data == "mpii":
        report = evaluate_mpii(model, root, flip=flip)
    elif data == "human36m":
        report = evaluate_human36m(model, root, scale_rule, flip, stride)
    elif data == "mpi_inf_3dhp":
        report = evaluate_mpi_inf_3dhp(model, root, scale_rule, flip)
    else:
        report = evaluate_studio(model, root, scale_rule, flip, data, split)
    print(report.text())
    if out is not None:
        report.save(out)
        print(f"\nwritten to {out}")
