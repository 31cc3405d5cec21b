"""The paper's idea in a user's hands: their own photos with 2D labels, and rendered 3D, teach the shipped network."""
