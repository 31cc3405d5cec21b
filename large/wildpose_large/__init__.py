"""The larger weights of wildpose, found by `wildpose.predict.shipped` once this is installed."""
