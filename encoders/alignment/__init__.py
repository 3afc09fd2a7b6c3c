"""Local alignment of two sounds by their landmarks: which part of one is which part of the other.

`align_sounds` finds by how much pitch and tempo differ, then the diagonals on which stretches of both
coincide, and gives these as spans with the time of each side. NumPy alone, no model.
"""

from encoders.alignment.layers import Layer, Layers, layers
from encoders.alignment.place import Place
from encoders.alignment.span import Span
from encoders.alignment.spans import Alignment, align_sounds

__all__ = ["Alignment", "Layer", "Layers", "Place", "Span", "align_sounds", "layers"]
