"""`wildpose weights`: what a weights file says about itself, after its digest was verified."""

import json


def weights(weights: str = "default", /) -> None:
    """Print the metadata of a weights file as JSON: architecture, skeleton, units, training data, metrics, licence.

    Args:
        weights: An .onnx file, or "default" for the one inside the package.
    """
    from wildpose.predict.onnx_model import OnnxModel

    print(json.dumps(OnnxModel.load(weights).info.metadata, indent=2))
