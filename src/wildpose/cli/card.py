"""`wildpose card`: weights measured on every set at hand, as a page to publish with them."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory


def card(
    out: Path,
    weights: str = "default",
    lsp: Path | None = None,
    studio: Path | None = None,
    outdoor: Path | None = None,
    crowd: Path | None = None,
    bench: Path | None = None,
    notes: Path | None = None,
    keep: Path | None = None,
    validation: bool = False,
) -> None:
    """Write a model card: data with terms, results per joint, activity, skin tone and build, failures, speed, limits.

    Args:
        out: The Markdown page to write; a picture of failures lies beside it under the same name (.jpg).
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        lsp: Folder of LSP.
        studio: Folder of `wildpose data studio --split test`.
        outdoor: Folder of `wildpose data outdoor --split test`.
        crowd: Folder of `wildpose data outdoor --split train` of a seed that training didn't see, for the groups of
            people and the failures.
        bench: JSON of `wildpose bench predict --out` for these weights.
        notes: Text (Markdown) for the part on training: its cost, what is special about it.
        keep: Folder for the JSON of each evaluation (as `wildpose evaluate --out` writes it); what is there already and
            of these weights is not measured again.
        validation: Rehearse on LSP's validation photos and, in a training set given as --studio, on subject S8.
    """
    from wildpose.errors import InputError
    from wildpose.evaluate.card import Sets, measure, write_card
    from wildpose.predict.onnx_model import OnnxModel, read_content

    if out.suffix != ".md":
        raise InputError("--out FILE.md", str(out), "name a Markdown file to write")
    model, size = OnnxModel.load(weights), len(read_content(weights)[1])
    sets = Sets(lsp, studio, outdoor, crowd)
    command = _command(weights, sets, bench, notes, validation, out)
    with TemporaryDirectory() as folder:
        kept = keep or Path(folder)
        reports = measure(model, sets, kept, validation, lambda line: print(line, file=sys.stderr))
        write_card(out, model, size, reports, kept, bench, notes, command)
    print(f"{out}: {len(reports)} evaluations of {model.info.name}")


def _command(weights: str, sets, bench: Path | None, notes: Path | None, validation: bool, out: Path) -> str:
    """What was asked for, with the names of folders in place of their paths."""
    named = vars(sets) | {"bench": bench, "notes": notes}
    given = [f"--{name} {path.name}" for name, path in named.items() if path is not None]
    rehearsed = ["--validation"] if validation else []
    return " ".join([f"wildpose card --weights {Path(weights).name}", *given, *rehearsed, f"--out {out.name}"])
