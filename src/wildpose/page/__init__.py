"""Results as one HTML page that loads nothing: pictures with the 2D skeletons, 3D beside them, time, angles."""
