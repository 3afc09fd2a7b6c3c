"""Words in pictures, read by Tesseract where it is installed; the only module that imports its binding."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from types import ModuleType

# Text that stands anywhere, in no order: that is how title cards look.
_SPARSE: Final = "--psm 11"
# Of pictures without text come scraps with less than this.
_SURE: Final = 70.0
_LEAST_LETTERS: Final = 2
# It takes a third of a second of one core; more where others want the core too.
_TIMEOUT_S: Final = 30


def missing() -> str | None:
    """Say what is not installed of what reading title cards takes; None where all is there."""
    if importlib.util.find_spec("pytesseract") is None:
        return "pytesseract"
    return None if shutil.which("tesseract") else "tesseract"


class TesseractReader:
    """Reads words in pictures, one process of Tesseract each.

    Parameters
    ----------
    binding : module
        ``pytesseract``
    """

    def __init__(self, binding: ModuleType) -> None:
        self._binding: Any = binding
        self.name = f"tesseract@{binding.get_tesseract_version()}"

    @classmethod
    def installed(cls) -> TesseractReader | None:
        """Give a reader where Tesseract and its binding are installed."""
        if missing() is not None:
            return None
        return cls(importlib.import_module("pytesseract"))

    def lines(self, image: NDArray[np.uint8]) -> tuple[str, ...]:
        """Read the lines of a picture: uint8 [shape=(h, w, 3)]; none where nothing can be read."""
        try:
            found = self._binding.image_to_data(
                Image.fromarray(image),
                config=_SPARSE,
                output_type=self._binding.Output.DICT,
                timeout=_TIMEOUT_S,
            )
        except (RuntimeError, OSError):  # TesseractError and a timeout are RuntimeErrors
            return ()
        lines: dict[tuple[int, int, int], list[str]] = {}
        places = zip(found["block_num"], found["par_num"], found["line_num"], strict=True)
        for place, text, sure in zip(places, found["text"], found["conf"], strict=True):
            if float(sure) >= _SURE and text.strip():
                lines.setdefault(place, []).append(text.strip())
        joined = (" ".join(words) for words in lines.values())
        return tuple(line for line in joined if sum(map(str.isalnum, line)) >= _LEAST_LETTERS)
