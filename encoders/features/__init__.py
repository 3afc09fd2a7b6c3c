"""Signal to array: resampling, constant-Q, chroma, level facts."""
