"""Media from address to samples: fetch, check, decode, close."""

import numpy as np
from numpy.typing import NDArray

from streams.core.records import Media, Origin
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_fetch import MediaFetcher
from streams.ports import DecodedMedium


class LimitedMediaReader:
    """A fetcher and a decoder behind the port ``streams.ports.MediaReader``."""

    def __init__(self, fetcher: MediaFetcher, decoder: MediaDecoder) -> None:
        self._fetcher = fetcher
        self._decoder = decoder

    def medium(self, media: Media, *, origin: Origin, sound: bool = True, pictures: int = 0) -> DecodedMedium:
        """Read sound, and key frames of a video; raises ``MediaError`` or ``TransientError``."""
        with self._fetcher.fetch(media) as fetched:
            return self._decoder.medium(fetched.file, origin=origin, sound=sound, pictures=pictures)

    def picture(self, media: Media, *, origin: Origin) -> NDArray[np.uint8]:
        """Read a still picture; raises ``MediaError`` or ``TransientError``."""
        with self._fetcher.fetch(media) as fetched:
            return self._decoder.picture(fetched.file, origin=origin)

    def close(self) -> None:
        """End the decoding child."""
        self._decoder.close()
