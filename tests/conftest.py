"""What all tests share: the same examples in every run, and the data sets beside the checkout, if there are any."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("wildpose", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("wildpose")


@pytest.fixture
def shared_data() -> Path:
    """../shared/data of the checkout; the test is skipped where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the data sets in {folder}")
    return folder
