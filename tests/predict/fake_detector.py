"""A detector of known truth for the people of `fake_weights`: dots near one another on black are a person."""

import cv2
import numpy as np

from wildpose.predict.detect import Detector

INPUT_PX, STRIDE = 256, 8
REACH_PX = 27
"""Dots up to about this far apart (input px) are one person's."""


class DotFinder(Detector):
    """In place of a network: the maps that one would give, worked out from the picture."""

    def __init__(self):
        self.metadata = {"name": "dots", "sha256": "0" * 64}
        self.input_px, self.threshold, self.looks = INPUT_PX, 0.5, 0

    def run(self, images_rgb):
        self.looks += 1
        lit = (images_rgb[0].max(-1) > 60).astype(np.uint8)
        count, labels = cv2.connectedComponents(cv2.dilate(lit, np.ones((REACH_PX, REACH_PX), np.uint8)))
        side = INPUT_PX // STRIDE
        scores, boxes = np.zeros((1, side, side), np.float32), np.zeros((1, 4, side, side), np.float32)
        for person in range(1, count):
            rows, columns = np.nonzero((labels == person) & (lit > 0))
            box = np.array([columns.min(), rows.min(), columns.max(), rows.max()], np.float32)
            x, y = ((box[:2] + box[2:]) / 2 / STRIDE).astype(int)
            scores[0, y, x] = 0.9 + 0.0001 * person
            boxes[0, :, y, x] = box
        return scores, boxes
