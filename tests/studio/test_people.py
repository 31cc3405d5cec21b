"""Who is rendered: groups by skin tone, build, stature, age and sex, by rules that docs/studio.md states."""

import numpy as np
import pytest

from wildpose.data.studio import TRAITS, StudioSet
from wildpose.studio import generate as module
from wildpose.studio.appearance import SKIN_TONES as DRAWN
from wildpose.studio.appearance import linear
from wildpose.studio.bodies import load_bank
from wildpose.studio.generate import generate
from wildpose.studio.people import AGES, BUILDS, SEXES, SKIN_TONES, body_mass_index, skin_ita_deg, traits


def test_angle_of_the_skin_as_published():
    """CIE Lab of sRGB (244, 212, 192) is (86.9, 8.1, 14.0) by any table: arctan(36.9 / 14.0) = 69.3 degrees."""
    assert skin_ita_deg(linear(np.array([244, 212, 192]))) == pytest.approx(69.3, abs=0.3)
    angles = [skin_ita_deg(linear(tone)) for tone in DRAWN]
    assert angles == sorted(angles, reverse=True)
    names = [traits(20, linear(tone)).skin_tone for tone in DRAWN]
    assert list(dict.fromkeys(names)) == [name for name in SKIN_TONES if name in names]
    assert names[0] == "very light" and names[-1] == "dark"


def test_black_and_white_have_a_tone():
    assert traits(0, np.zeros(3)).skin_tone == "dark" and traits(0, np.ones(3)).skin_tone == "very light"


def test_every_body_has_a_plausible_mass_and_every_group_somebody():
    bank = load_bank()
    index = np.array([body_mass_index(body) for body in range(bank.count)])
    assert index.min() > 15 and index.max() < 35
    assert np.corrcoef(index, bank.arrays["phenotype_weight"])[0, 1] > 0.6
    everybody = [traits(body, np.full(3, 0.5)) for body in range(bank.count)]
    for name, groups in (("build", BUILDS), ("age", AGES), ("sex", SEXES)):
        counts = [sum(getattr(who, name) == group for who in everybody) for group in groups]
        assert sum(counts) == bank.count and min(counts) >= 20, (name, counts)


def test_a_set_records_them_and_one_without_still_opens(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARD_IMAGES", 3)
    data = StudioSet(generate("studio", tmp_path / "set", images=5, seed=3, size_px=64, progress=False))
    assert set(data.traits) == set(TRAITS) and all(len(values) == 5 for values in data.traits.values())
    same = data.subject == data.subject[0]
    assert len(set(data.traits["skin_tone"][same])) == len(set(data.traits["stature_mm"][same])) == 1
    assert data.traits["stature_mm"].dtype == np.float32 and 1500 <= data.traits["stature_mm"].min() <= 2000
