"""A model card from weights and sets: everything measured is on the page, what isn't is marked, nothing twice."""

import json

import cv2
import numpy as np
import pytest
from fake_weights import write_fake_weights
from made_up_people import People, with_people, write_rendered

from wildpose.cli import main
from wildpose.evaluate import card as module
from wildpose.evaluate.card_text import samples_seen
from wildpose.evaluate.failures import KINDS
from wildpose.studio import protocol

ARCHITECTURE = {"kind": "dots", "stacks": 1, "features": 2}
HISTORY = [{"phase": "pretrain-2d", "steps": 10, "batch": 4}]
DATA = [{"name": "dots", "terms": "CC0", "samples": 7}]


@pytest.fixture
def folder(tmp_path):
    """Weights and the four sets but for the photos."""
    told = {"architecture": ARCHITECTURE, "history": HISTORY, "training_data": DATA, "license": "CC0"}
    write_fake_weights(tmp_path / "dots.onnx", **told)
    people = People(n=12)
    write_rendered(tmp_path / "studio", people, "studio", splits=("test",), actions=protocol.ACTION_NAMES)
    write_rendered(tmp_path / "outdoor", people, "outdoor", splits=("test",), actions=("Misc",), scenes=("indoor",))
    with_people(write_rendered(tmp_path / "crowd", people, "outdoor", splits=("train",), actions=("Misc",)), 12)
    return tmp_path


def write(folder, *more, weights="dots.onnx"):
    sets = [word for name in ("studio", "outdoor", "crowd") for word in (f"--{name}", str(folder / name))]
    keep = ["--keep", str(folder / "keep"), "--out", str(folder / "new" / "card.md")]
    main(["card", "--weights", str(folder / weights), *sets, *keep, *more])
    return (folder / "new" / "card.md").read_text()


def test_the_page_has_what_was_measured_and_marks_what_was_not(folder):
    bench = {
        "runs": 5, "threads": 2, "image_hw": [720, 1280],
        "weights": {"name": "d", "sha256": "ab" * 32, "input_px": 128},
        "parts": {"whole": {"median": 7.5, "p10": 7.0, "p90": 8.25}}, "load_per_core": 0.5,
        "machine": {"cpu": "abacus", "cores": 2, "system": "wood", "python": "3"},
    }  # fmt: skip
    (folder / "bench.json").write_text(json.dumps(bench))
    (folder / "notes.md").write_text("It took two core-hours.\n")
    page = write(folder, "--bench", str(folder / "bench.json"), "--notes", str(folder / "notes.md"))
    assert "# Model card: coloured dots" in page and "| dots | 7 | CC0 |" in page and "two core-hours" in page
    assert "| 1. pretrain-2d | 10 | 4 | 40 |" in page and "abacus" in page and "7.5 ms" in page
    assert "| LSP test, photos | **not measured** (`--lsp DIR`) |" in page and page.count("not measured") == 1
    for text in ("| **all** |", "Per action: studio test", "Per activity: outdoor test", "skin tone: dark", *KINDS):
        assert text in page
    assert "wildpose card --weights dots.onnx --studio studio --outdoor outdoor --crowd crowd --bench bench" in page
    picture = cv2.imread(str(folder / "new" / "card.jpg"))
    assert picture is not None and picture.shape[1] == 3 * 512
    kept = json.loads((folder / "keep" / "studio.json").read_text())
    assert f"{kept['metrics']['mpjpe_p1_mm']:.1f} mm" in page
    assert kept["protocol"]["flip_test"] is True and "averaged with the mirrored image as predict does" in page


def test_weights_that_carry_the_figures_are_not_measured_again(folder, monkeypatch):
    """Figures are written into a file after it was measured: it is the same network under another digest."""
    first = write(folder)
    told = json.loads((folder / "keep" / "studio.json").read_text())
    metrics = [{"protocol": told["protocol"], "metrics": told["metrics"]}]
    more = {"architecture": ARCHITECTURE, "history": HISTORY, "training_data": DATA, "license": "CC0"}
    write_fake_weights(folder / "final.onnx", metrics=metrics, **more)
    write_fake_weights(folder / "other.onnx", name="others", **more)

    def must_not(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(module, "evaluate_studio", must_not)
    monkeypatch.setattr(module, "judge_rendered", must_not)
    again = write(folder, weights="final.onnx")
    assert (
        again.partition("## Results")[2].partition("## Speed")[0]
        == first.partition("## Results")[2].partition("## Speed")[0]
    )
    for changed in ({"weights": "other.onnx"}, {}):
        if not changed:  # the same weights, but a set of another seed
            manifest = folder / "studio" / "manifest.json"
            manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 5'))
        with pytest.raises(AssertionError, match="measured again"):
            write(folder, **changed)


def test_bad_arguments_are_one_line(folder, capsys):
    for change in (["--bench", str(folder / "none.json")], ["--notes", str(folder / "none.md")]):
        with pytest.raises(SystemExit, match="2"):
            write(folder, *change)
        assert capsys.readouterr().err.splitlines()[-1].startswith("error: expected")
    with pytest.raises(SystemExit, match="2"):
        main(["card", "--out", str(folder / "card.html")])


def test_groupings_of_failures_by_the_truth():
    """A standing person seen from the front, from behind, lying: as they were made."""
    from wildpose.data.studio import StudioSet
    from wildpose.evaluate.failures import circumstance_groupings
    from wildpose.skeleton import MPII16

    joints = np.zeros((3, 16, 3))
    at = {"thorax": (0, -500, 0), "left_shoulder": (200, -500, 0), "right_shoulder": (-200, -500, 0)}
    for name, place in at.items():
        joints[:, MPII16.index(name)] = place
    joints[1, :, 0] *= -1  # from behind its left is on the picture's left
    joints[2] = joints[2] @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # on its side
    up_is_up = np.tile(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), (3, 1, 1))
    occluded = np.zeros((3, 16), bool)
    occluded[2, :9] = True
    drawn = StudioSet.__new__(StudioSet)  # not from a folder
    drawn.joints_cam_mm, drawn.R, drawn.occluded = joints + [0, 0, 4000], up_is_up, occluded
    view, trunk, hidden = circumstance_groupings(drawn, np.arange(3))
    assert view.labels.tolist() == ["the front", "behind", "the front"]
    assert trunk.labels.tolist() == ["upright", "upright", "level"]
    assert hidden.labels.tolist() == ["0 to 3", "0 to 3", "8 or more"]


def test_what_networks_of_a_mean_saw_together_counts_once():
    """Two that part after the second phase, and one of which only the first is the same."""
    first, second = ({"phase": name, "steps": steps, "batch": 4} for name, steps in (("a", 10), ("b", 20)))
    third, other = second | {"steps": 30}, second | {"steps": 5}
    histories = ([first, second, second], [first, second, third], [first, other, second])
    history = [{**phase, "network": i + 1} for i, phases in enumerate(histories) for phase in phases]
    assert samples_seen(history) == 4 * (10 + 20 + 20 + 30 + 5 + 20)
    assert samples_seen([first, second, second]) == 4 * (10 + 20 + 20) and samples_seen([]) == 0
    left_early = [third | {"run": "x", "branch": 1}, second | {"run": "x", "branch": 2}, other | {"run": "y"}]
    assert samples_seen([first, *left_early]) == 4 * (10 + 30 + 5)
