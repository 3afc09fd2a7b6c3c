"""Signals and texts to vectors, and the tools that compare them."""
