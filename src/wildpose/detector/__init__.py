"""Training of the detector that finds people before their poses are estimated; `wildpose.predict.detect` runs it."""
