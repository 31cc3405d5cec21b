"""Photos and annotations to samples, samples to batches."""
