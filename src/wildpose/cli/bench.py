"""`wildpose bench`: how long things take here."""

from pathlib import Path

from tyro.extras import SubcommandApp

bench = SubcommandApp()


@bench.command
def predict(weights: str = "default", threads: int = 2, runs: int = 200, out: Path | None = None) -> None:
    """Time one person's way from a box in an image to a decoded pose: crop, network, decode, and the whole.

    Args:
        weights: An .onnx file, or "default" for the one inside the package.
        threads: CPU threads.
        runs: Timed repetitions, after 20 that don't count.
        out: JSON file to write the figures to, with the machine they were taken on.
    """
    import json

    from wildpose.bench import bench_predict, table
    from wildpose.write import whole_file

    result = bench_predict(weights, threads, runs)
    print(table(result))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as draft:
            draft.write_text(json.dumps(result, indent=2) + "\n")
