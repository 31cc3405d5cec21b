"""wildpose export: a checkpoint to a weights file for prediction."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional


def export(
    checkpoint: Positional[Path],
    /,
    out: Path,
    name: str,
    metrics: tuple[Path, ...] = (),
    stored: Literal["int8", "float16"] = "int8",
) -> None:
    """Turn a checkpoint into one ONNX file that describes itself, and check that both compute the same.

    Args:
        checkpoint: Folder of a checkpoint, such as runs/a/adversarial/step-001000.
        out: File to write.
        name: Name of the weights.
        metrics: JSON files of `wildpose evaluate --out` to keep in the file.
        stored: How convolutions lie in the file; float16 takes twice the room. Both run as float32.
    """
    import json

    from wildpose.errors import InputError
    from wildpose.export import describe, export_onnx, load_generator

    figures = []
    for path in metrics:
        try:
            report = json.loads(path.read_text())
            figures.append({"protocol": report["protocol"], "metrics": report["metrics"]})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"JSON of wildpose evaluate at {path}", repr(error), "run evaluate with --out") from None
    generator, state = load_generator(checkpoint)
    export_onnx(generator, describe(generator, state, name, figures), out, stored)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, same outputs as {checkpoint}")
