"""The diagnosis of a queue from end to end, on a D whose weights are zero: it can't tell anything from anything."""

import json
import re

import pytest
import torch
from queue_trial import made_sets
from rendered_batch import tiny_config, tiny_data

from wildpose.cli import main
from wildpose.errors import InputError
from wildpose.reproduce.diagnose import diagnose
from wildpose.train.state import Training


@pytest.fixture
def queue(tmp_path):
    """One run, of a D that says 0 of everybody."""
    training = Training(tiny_config(), "adversarial")
    with torch.no_grad():
        for parameter in training.discriminator.parameters():
            parameter.zero_()
    folder = tmp_path / "runs" / "full" / "seed-0"
    training.save(folder / "adversarial")
    (folder / "run.json").write_text(json.dumps({"row": "Full"}))
    return tmp_path


def cells(text, heading):
    """Rows of the table under a heading, by column."""
    lines = [line for line in text.split(heading)[1].split("\n##")[0].splitlines() if line.startswith("|")]
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_a_blind_d_is_found_blind(queue):
    text = diagnose(queue, tiny_data())
    assert text == (queue / "diagnosis.md").read_text() and "4 held-out people" in text
    [scores] = cells(text, "## Scores")
    assert scores["run"] == "Full, seed-0, step 000000" and scores["real"] == "0.00 ± 0.00" and scores["> 0"] == "0"
    assert {value for name, value in scores.items() if "above" in name or "hidden" in name} == {"50.0"}
    [false] = cells(text, "## Which false poses")
    assert {value for name, value in false.items() if name != "run"} == {"50.0"}
    studio, photos = cells(text, "## What D asks")
    for pull in (studio, photos):
        assert {value for name, value in pull.items() if re.match("D", name)} == {"0"}
    assert float(studio["L_pose, depth"]) > 0 == float(photos["L_pose, depth"])
    assert float(photos["L_pose, heatmaps"]) > 0


def test_nothing_to_look_at_is_said(tmp_path, capsys):
    with pytest.raises(InputError, match="trained runs in"):
        diagnose(tmp_path, tiny_data())
    flags = made_sets(tmp_path)  # no photos, no subject S8
    with pytest.raises(SystemExit) as stopped:
        main(["reproduce", "diagnose", "--embedded", "--out", str(tmp_path / "out"), *flags])
    assert stopped.value.code == 2
    assert "give --studio and --lsp" in capsys.readouterr().err
