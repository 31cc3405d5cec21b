"""wildpose export: a checkpoint to a weights file for prediction."""

from pathlib import Path
from typing import Literal

from tyro.conf import Positional


def export(
    checkpoints: Positional[tuple[Path, ...]],
    /,
    out: Path,
    name: str,
    metrics: tuple[Path, ...] = (),
    stored: Literal["int8", "float16"] = "int8",
) -> None:
    """Turn a checkpoint into one ONNX file that describes itself, and check that both compute the same.

    Of several checkpoints it is the mean of what they say: more accurate than each, and as slow as all.

    Args:
        checkpoints: Folder of a checkpoint, such as runs/a/adversarial/step-001000.
        out: File to write.
        name: Name of the weights.
        metrics: JSON files of `wildpose evaluate --out` to keep in the file.
        stored: How convolutions and matrices lie in the file; float16 takes twice the room. Both run as float32.
    """
    import json

    from wildpose.errors import InputError
    from wildpose.export import describe, describe_mean, export_mean, export_onnx, load_generator

    if not checkpoints:
        raise InputError("a checkpoint", "none", "give the folder of one, such as runs/a/adversarial/step-001000")

    figures = []
    for path in metrics:
        try:
            report = json.loads(path.read_text())
            figures.append({"protocol": report["protocol"], "metrics": report["metrics"]})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"JSON of wildpose evaluate at {path}", repr(error), "run evaluate with --out") from None
    generators, states = zip(*(load_generator(checkpoint) for checkpoint in checkpoints), strict=True)
    told = [describe(generator, state, name, figures) for generator, state in zip(generators, states, strict=True)]
    if len(told) == 1:
        export_onnx(generators[0], told[0], out, stored)
    else:
        export_mean(generators, describe_mean(told, name, figures), out, stored)
    of = " and ".join(map(str, checkpoints))
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, same outputs as {of if len(told) == 1 else f'the mean of {of}'}")
