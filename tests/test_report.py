"""A report reads the same as text and as JSON, and is written whole or not at all."""

import json

from wildpose.report import Report, Table


def test_report_as_text_and_json(tmp_path):
    table = Table("a title, mm", ("Knee", "Avg."), {"wildpose": (1.25, float("nan")), "images": (3, 3)})
    report = Report({"set": "made up"}, {"x": 1.5, "unknown": float("nan")}, (table,))
    assert report.text().splitlines() == [
        "set  made up",
        "",
        "a title, mm",
        "          Knee  Avg.",
        "wildpose   1.2     -",
        "images       3     3",
    ]
    report.save(tmp_path / "new" / "report.json")
    saved = json.loads((tmp_path / "new" / "report.json").read_text())
    assert saved["format"] == "wildpose-evaluation/1" and saved["protocol"] == {"set": "made up"}
    assert saved["metrics"] == {"x": 1.5, "unknown": None}
    assert saved["tables"][0]["rows"] == {"wildpose": [1.25, None], "images": [3, 3]}
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["report.json"]
