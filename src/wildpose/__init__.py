"""wildpose: 3D human pose from one colour image."""
