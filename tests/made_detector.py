"""What the tests of the detector learn from."""

import numpy as np
from fake_weights import draw_person

from wildpose.data.sample import Sample
from wildpose.detector.data import PeopleData


class Dotted:
    """Photos of one dotted person each, on black."""

    def __len__(self) -> int:
        return 6

    def load(self, i: int) -> Sample:
        image = np.zeros((150, 110, 3), np.uint8)
        joints = draw_person(image, (12 + i, 12, 70, 115 + i))
        return Sample(image, joints.astype(np.float32), np.ones(16, bool), np.zeros(4, np.float32))


GREY = np.full((2, 256, 256, 3), 60, np.uint8)
DATA = PeopleData(((Dotted(), 0.5),), GREY, (("dots", Dotted()),), None, GREY, ({"name": "dots", "samples": 6},))
