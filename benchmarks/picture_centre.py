"""Where pictures lie on the whole: what the picture model says of everything is no mark of anything.

Writes ``encoders/data/picture_centre.npy``: the mean, over films, of the square roots of what the model says
of their pictures. Half of the weight lies on real clips, half on films made by code, whose plain pictures
would be near each other without it. Marks that were made with another centre are not to be compared: raise
``encoders.picture_marks.MARKS_VERSION``.
"""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.altered_videos import clips
from benchmarks.film_pairs import film_pair
from encoders.build import default_models_dir
from encoders.frames import FrameEncoder
from streams.edges.media_pictures import pictures_of
from streams.stages.encode_media import PICTURES

FILMS: Final = 20
_SECONDS: Final = 30.0
_WHERE: Final = Path(__file__).parents[1] / "encoders/data/picture_centre.npy"


def shown(data: bytes) -> list[NDArray[np.uint8]]:
    """Decode the pictures that encode looks at."""
    with av.open(io.BytesIO(data), mode="r") as container:
        found = list(pictures_of(container, most=PICTURES, max_pixels=64_000_000))
    return [
        np.frombuffer(pixels, dtype=np.uint8).reshape(each.height, each.width, 3) for each, pixels in found
    ]


def centre(encoder: FrameEncoder, films: Iterable[bytes]) -> NDArray[np.float64]:
    """Average the roots of the vectors of films, each of which counts once."""
    means = [np.sqrt(encoder.look(shown(each))[0]).mean(axis=0) for each in films]
    return np.asarray(np.mean(means, axis=0, dtype=np.float64))


def main() -> None:
    """Measure and write the centre."""
    encoder = FrameEncoder.load(default_models_dir())
    made = centre(encoder, (film_pair(number, _SECONDS).film for number in range(FILMS)))
    real = centre(encoder, (path.read_bytes() for path in clips()))
    np.save(_WHERE, (0.5 * (made + real)).astype(np.float16))


if __name__ == "__main__":
    main()
