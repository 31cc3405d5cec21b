"""wildpose: 3D human pose from one colour image.

`PoseEstimator().predict(image_rgb)` gives a list of `Pose3D`, one per person; `read_photo(path)` reads the image, and
who knows the lens says `camera=Camera(fx, fy, cx, cy)`.
`predict_video(estimator, path)` goes through a video frame by frame; `save(Recording(frames, rate_hz), folder, stem)`
writes what `wildpose predict` writes.
"""

from importlib import import_module

from wildpose.errors import InputError

__version__ = "0.1.0"
__all__ = [
    "Camera",
    "FrameResult",
    "InputError",
    "Pose3D",
    "PoseEstimator",
    "Recording",
    "Smoothing",
    "Video",
    "__version__",
    "predict_video",
    "read_photo",
    "save",
]

_HOMES = {
    "Camera": "wildpose.predict.placement",
    "PoseEstimator": "wildpose.predict.estimator",
    "Pose3D": "wildpose.types",
    "FrameResult": "wildpose.write",
    "Recording": "wildpose.write",
    "Smoothing": "wildpose.predict.smooth",
    "Video": "wildpose.predict.inputs",
    "predict_video": "wildpose.results",
    "read_photo": "wildpose.predict.photos",
    "save": "wildpose.formats.save",
}


def __getattr__(name: str):
    """Load on first use: `import wildpose` pulls in neither OpenCV nor ONNX Runtime, so `wildpose --help` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'wildpose' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
