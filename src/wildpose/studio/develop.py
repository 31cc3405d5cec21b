"""From linear light to the bytes a camera would give: exposure, blur, contrast, sensor noise, JPEG artefacts."""

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float, UInt8

_LEVELS = 4096


@cache
def _tone_curve() -> np.ndarray:
    """Display values 0..255 of linear light 0..2: a soft shoulder for highlights, then the sRGB-like power."""
    light = np.linspace(0, 2, _LEVELS)
    return (255 * np.clip(1.1 * light / (1 + 0.18 * light), 0, 1) ** (1 / 2.2)).astype(np.float32)


def develop(rng: np.random.Generator, image: Float[np.ndarray, "H W 3"], rough: float) -> UInt8[np.ndarray, "H W 3"]:
    """A photograph of linear light.

    rough: 0 for a good camera, 1 for the worst.
    """
    gain = np.exp(rng.normal(0, 0.10 + 0.22 * rough)) * (1 + rng.normal(0, 0.02 + 0.05 * rough, 3))
    light = image * gain.astype(np.float32)
    if rng.random() < 0.15 * (1 + rough):
        light = _motion_blur(rng, light, rng.uniform(1, 2 + 3 * rough))
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 0.6 + 0.6 * rough))
    np.multiply(light, (_LEVELS - 1) / 2, out=light)
    np.clip(light, 0, _LEVELS - 1, out=light)
    display = _tone_curve()[light.astype(np.int16)]
    contrast = np.float32(1 + rng.normal(0, 0.05 + 0.1 * rough))
    grain = np.float32(255 * 0.8 * rng.uniform(0, 0.01 + 0.03 * rough))
    display = 127.5 + (display - 127.5) * contrast
    display += grain * rng.standard_normal(display.shape, dtype=np.float32)
    out = np.clip(display + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.4 * rough:
        _, coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 70))])
        out = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return out


def _motion_blur(rng: np.random.Generator, image: np.ndarray, length: float) -> np.ndarray:
    size = int(np.ceil(length)) | 1
    kernel = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1.0
    turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), float(rng.uniform(0, 180)), 1.0)
    kernel = cv2.warpAffine(kernel, turn, (size, size))
    return cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6))
