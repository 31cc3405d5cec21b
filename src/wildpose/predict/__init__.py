"""From photos and videos to Pose3D: NumPy, OpenCV and ONNX Runtime only."""
