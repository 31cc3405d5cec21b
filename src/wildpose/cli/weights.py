"""`wildpose weights`: the files in the package, and what a file says about itself, after its digest was verified."""

import json
from pathlib import Path
from typing import Any


def weights(weights: str = "", /) -> None:
    """List the weights in the package, or print all that one file says about itself, as JSON: architecture, skeleton,
    units, training data with terms, metrics with protocol, licence.

    Args:
        weights: A name from the list (default, large, detector) or an .onnx file; nothing lists those in the package.
    """
    from wildpose.predict.detect import PACKAGED, Detector
    from wildpose.predict.onnx_model import OnnxModel
    from wildpose.predict.shipped import ADD_IT, DETECTOR, LARGE, shipped

    if weights:
        told = Detector.load().metadata if weights == DETECTOR else OnnxModel.load(weights).info.metadata
        print(json.dumps(told, indent=2))
        return
    rows = [(name, path, OnnxModel.load(name).info.metadata) for name, path in shipped().items()]
    rows.append((DETECTOR, Path(str(PACKAGED)), Detector.load().metadata))
    print(listing(rows))
    if LARGE not in shipped():
        print(f"`{LARGE}`, more accurate and slower, isn't installed: {ADD_IT}.")


def listing(rows: list[tuple[str, Path, dict[str, Any]]]) -> str:
    """A line for each file (name, path, what it says about itself), then what each reaches by which protocol."""
    cells = [("name", "calls itself", "file", "MB", "parameters", "input px", "licence", "sha256")]
    for name, path, told in rows:
        count = told.get("parameters")
        cells.append((
            name, str(told["name"]), path.name, f"{path.stat().st_size / 1e6:.2f}", f"{count:,}" if count else "-",
            str(told["input_px"]), str(told.get("license", "-")), f"{told['sha256'][:12]} verified",
        ))  # fmt: skip
    reached = [("name", "measured on", "figures")]
    for name, _, told in rows:
        reached += [(name, *line) for metric in told.get("metrics", ()) if (line := headline(metric))]
    more = "`wildpose weights NAME` prints all that a file says about itself."
    return "\n".join([*_aligned(cells), "", *(_aligned(reached) if len(reached) > 1 else []), "", more])


def headline(metric: dict[str, Any]) -> tuple[str, str] | None:
    """Protocol and figures of one evaluation in a file's metadata, in short; None for one without known figures."""
    protocol, numbers = metric.get("protocol", {}), metric.get("metrics", {})
    parts = [f"recall {100 * numbers['recall']:.1f} %"] if isinstance(numbers.get("recall"), int | float) else []
    for key, text in {
        "pck_torso_0.2": "PCK@0.2 {:.1f} %",
        "mpjpe_p1_mm": "P1 {:.1f} mm",
        "pa_mpjpe_p2_mm": "P2 {:.1f} mm",
        "pck3d_150": "PCK at 150 mm {:.1f} %",
        "auc": "AUC {:.1f} %",
        "pck_torso_0.2/automatic": "PCK@0.2 {:.1f} % by itself",
    }.items():
        if isinstance(numbers.get(key), int | float):
            parts.append(text.format(numbers[key]))
    count, rule = protocol.get("count"), protocol.get("scale_rule")
    where = [str(protocol.get("set", "?")), *([f"{count:,} images, boxes given"] if count else [])]
    where += [f"scale rule {rule}"] if rule else []
    where += ["averaged with the mirrored image"] if protocol.get("flip_test") else []
    return (", ".join(where), ", ".join(parts)) if parts else None


def _aligned(cells: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
