"""Pictures as poor cameras make them: coarse, blurred by movement, badly lit, noisy, compressed.

Networks that have only seen clean pictures take noise for structure: a Gaussian blur before the network was worth ten
points of PCK on noisy ones (docs/training.md). Kinds of damage after Hendrycks and Dietterich, Benchmarking neural
network robustness to common corruptions, ICLR 2019; strengths are our own, for crops of about 128 px.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import UInt8

EACH = 0.4
"""Share of the pictures to which each kind of damage is done."""
COARSEST = 4.0
"""Px of the picture in one px of the coarsest camera."""
LONGEST_BLUR = 0.08
"""Way that the camera or the person moves during the exposure, in sides of the picture."""
DARKEST = 2.2
"""Largest exponent; its inverse the smallest."""
NOISIEST = 28.0
"""Standard deviation of the strongest noise, grey levels; half of the time the same in all three channels."""
WORST_QUALITY, BEST_QUALITY = 12, 60
"""Of JPEG."""
Image = UInt8[np.ndarray, "H W 3"]


def degrade(image_rgb: Image, rng: np.random.Generator) -> Image:
    """Some of the damages below, in the order in which light meets lens, sensor and file; none in a picture of
    thirteen."""
    for damage in DAMAGES:
        if rng.random() < EACH:
            image_rgb = damage(image_rgb, rng)
    return image_rgb


def move(image_rgb: Image, rng: np.random.Generator) -> Image:
    """Blur along a line, in any direction."""
    length = LONGEST_BLUR * max(image_rgb.shape[:2]) * rng.random()
    angle, reach = rng.uniform(0, np.pi), int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    half = length / 2 * np.array([np.cos(angle), np.sin(angle)])
    for x, y in reach + np.linspace(-half, half, 4 * reach + 1):
        kernel[round(y), round(x)] += 1
    return cv2.filter2D(image_rgb, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def darken(image_rgb: Image, rng: np.random.Generator) -> Image:
    """Dark parts drown in a dim picture, bright ones wash out in an overexposed one."""
    exponent = DARKEST ** rng.uniform(-1, 1)
    return cv2.LUT(image_rgb, np.uint8(np.round(255 * (np.arange(256) / 255) ** exponent)))


def coarsen(image_rgb: Image, rng: np.random.Generator) -> Image:
    """As a camera of fewer px, or a person further away."""
    height, width = image_rgb.shape[:2]
    zoom = COARSEST ** -rng.random()
    small = cv2.resize(
        image_rgb, (max(1, round(width * zoom)), max(1, round(height * zoom))), interpolation=cv2.INTER_AREA
    )
    how = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    return cv2.resize(small, (width, height), interpolation=how)


def add_noise(image_rgb: Image, rng: np.random.Generator) -> Image:
    height, width = image_rgb.shape[:2]
    channels = 1 if rng.random() < 0.5 else 3
    noise = rng.standard_normal((height, width, channels), np.float32) * np.float32(NOISIEST * rng.random())
    return np.clip(np.round(image_rgb + noise), 0, 255).astype(np.uint8)


def compress(image_rgb: Image, rng: np.random.Generator) -> Image:
    quality = int(rng.integers(WORST_QUALITY, BEST_QUALITY + 1))
    jpeg = cv2.imencode(".jpg", image_rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1])


DAMAGES: tuple[Callable[[Image, np.random.Generator], Image], ...] = (move, darken, coarsen, add_noise, compress)
