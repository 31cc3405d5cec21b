"""kill -9 at random moments and in the midst of checkpoints: the run ends as if nothing had happened."""

import pytest
from kill_trial import trial


@pytest.mark.slow
def test_five_kills_leave_no_trace(tmp_path):
    assert len(trial(5, tmp_path)) == 6
