"""Edges: one module per outside thing."""
