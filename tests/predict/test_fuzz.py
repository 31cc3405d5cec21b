"""A sample of what tests/predict/fuzz.py does with two hundred files: here in one process."""

import pytest
from fuzz import Outcome, make_inputs

from wildpose import cli
from wildpose.errors import InputError
from wildpose.predict.photo_files import MOST_COSTLY_PIXELS, check_whole, is_costly
from wildpose.predict.photos import read_photo


def test_a_sample_of_damaged_and_lying_files_gives_a_result_or_one_line(tmp_path, weights_path, capfd):
    (tmp_path / "in").mkdir()
    for how, path in make_inputs(tmp_path / "in", 24, seed=5):
        code = 0
        try:
            cli.main(["predict", str(path), "--out", str(tmp_path / "o"), "--weights", str(weights_path), "--html"])
        except SystemExit as stopped:
            code = stopped.code
        said = capfd.readouterr().err
        assert Outcome(code, said, 0.0, 0.0).fault is None, (how, path.name)


@pytest.mark.parametrize(("how", "fault"), [
    (Outcome(0, "", 1.0, 100.0), None),
    (Outcome(2, "error: expected a photo, got a poem; give a photo\n", 1.0, 100.0), None),
    (Outcome(1, "Traceback (most recent call last):\n", 1.0, 100.0), "exit code 1"),
    (Outcome(-11, "", 1.0, 100.0), "exit code -11"),
    (Outcome(2, "oh", 1.0, 100.0), "no clear error"),
    (Outcome(0, "", 1.0, 2100.0), "2100 MB"),
    (Outcome(-9, "", 130.0, 100.0), "took more than"),
])  # fmt: skip
def test_what_counts_as_a_fault(how, fault):
    assert how.fault is None if fault is None else fault in how.fault


def test_costly_photos_have_a_lower_limit(tmp_path):
    import cv2
    import numpy as np
    from fuzz import png

    image = np.zeros((16, 16, 3), np.uint8)
    sequential, progressive = (
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, flag])[1].tobytes() for flag in (0, 1)
    )
    assert [is_costly(content) for content in (sequential, progressive)] == [False, True]
    assert [is_costly(png(8, 8, 8, 16, color)) for color in (2, 6)] == [False, True]
    side = int(MOST_COSTLY_PIXELS**0.5) + 1
    (tmp_path / "a.png").write_bytes(png(side, side, 1, 16, 6))
    with pytest.raises(InputError, match="at most 100 megapixels"):
        read_photo(tmp_path / "a.png")
    check_whole(tmp_path / "b.png", png(side, side, 1))
