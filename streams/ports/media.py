"""Sound and pictures as they come out of media."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.core.records import Media, Origin, VectorRow


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardSound:
    """What was heard in one decoded signal: facts without the blob's digest, the blob, and index vectors."""

    duration_ms: int
    silent_share: float
    rms_dbfs: float
    content_sha256: str
    features: bytes
    vectors: tuple[VectorRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimedPicture:
    """A picture out of a video: RGB [shape=(h, w, 3)] and where it stands."""

    start_ms: int
    pixels: NDArray[np.uint8]


class Sound(Protocol):
    """Mono sound of 16 bits, read in pieces and as often as wanted, so that its length costs no memory."""

    @property
    def sr(self) -> int:
        """Sampling rate in Hz."""
        ...

    @property
    def samples(self) -> int:
        """Length."""
        ...

    def read(self, first: int, count: int) -> NDArray[np.int16]:
        """Read up to ``count`` samples from ``first`` on: int16 [shape=(n,)], fewer only at the end."""
        ...

    def close(self) -> None:
        """Let go of what holds the samples; happens by itself when nobody refers to the sound any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedMedium:
    """What came out of one medium.

    Attributes
    ----------
    sound : Sound
        empty when sound was not asked for, or there is none
    has_sound : bool
        whether the file holds a sound track
    duration_ms : int
        of ``sound``
    declared_ms : int, optional
        what the file says of itself
    pictures : tuple of TimedPicture
        spread over the video, ascending in time; times of pictures and sound are those of a player
    tags : dict
        embedded tags, lower-case names
    """

    sound: Sound
    duration_ms: int
    has_sound: bool = True
    declared_ms: int | None = None
    pictures: tuple[TimedPicture, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenPictures:
    """What was seen in pictures of a video.

    Attributes
    ----------
    vectors : float32 [shape=(n, 1280)]
    marks : bytes
        see ``streams.core.records.Pictures``
    marks_model : str
        name-version of what made them
    """

    vectors: NDArray[np.float32]
    marks: bytes
    marks_model: str


class TextReader(Protocol):
    """Reads words in pictures."""

    @property
    def name(self) -> str:
        """Name-version of what reads."""
        ...

    def lines(self, image: NDArray[np.uint8]) -> tuple[str, ...]:
        """Read the lines of text in RGB [shape=(h, w, 3)]; none where nothing can be read."""
        ...


class MediaReader(Protocol):
    """Media of uploads, fetched and decoded under limits; every refusal is a ``MediaError`` with its code.

    Our own faults (no decoder can be started, the disk is full) are ``TransientError``.
    """

    def medium(self, media: Media, *, origin: Origin, sound: bool = True, pictures: int = 0) -> DecodedMedium:
        """Read sound, and up to ``pictures`` pictures spread over a video."""
        ...

    def picture(self, media: Media, *, origin: Origin) -> NDArray[np.uint8]:
        """Read a still picture as RGB [shape=(h, w, 3)]."""
        ...
