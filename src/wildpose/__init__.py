"""wildpose: 3D human pose from one colour image.

`PoseEstimator().predict(image_rgb)` gives a list of `Pose3D`, one per person.
"""

from importlib import import_module

from wildpose.errors import InputError

__version__ = "0.1.0"
__all__ = ["InputError", "Pose3D", "PoseEstimator", "__version__"]

_HOMES = {"PoseEstimator": "wildpose.predict.estimator", "Pose3D": "wildpose.types"}


def __getattr__(name: str):
    """Load on first use: `import wildpose` pulls in neither OpenCV nor ONNX Runtime, so `wildpose --help` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'wildpose' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
