"""Hear and see the media of one upload: facts, features and vectors added to its record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.core.blocking import blocking_keys
from streams.core.records import (
    EncodedUpload,
    Kind,
    Media,
    Origin,
    Pictures,
    ShownText,
    SoundFacts,
    Upload,
    VectorRow,
)
from streams.errors import MediaError
from streams.ports import (
    DecodedMedium,
    Encoder,
    FeatureStore,
    HeardSound,
    MediaReader,
    TextReader,
    TimedPicture,
)

# Of a video; a third of them stands in the index, where every row costs each search.
PICTURES: Final = 24
INDEXED_PICTURES: Final = 8
# Title cards stand near the beginning and the end; reading a picture takes a third of a second.
_READ_FIRST, _READ_LAST = 3, 2
# What is written all over a film tells no more of its names.
_MOST_LINES: Final = 24
_MOST_LETTERS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedMedia:
    """What came out of the media of one upload.

    Attributes
    ----------
    heard, seen : DecodedMedium, optional
        mostly one; none where there is artwork alone
    artwork : uint8 [shape=(h, w, 3)], optional
        RGB
    only_video : bool
        whether what is heard is the track of a video
    """

    heard: DecodedMedium | None
    seen: DecodedMedium | None
    artwork: NDArray[np.uint8] | None
    only_video: bool


class MediaEncoding:
    """Decode the media of uploads, and hear and see what came out.

    Parameters
    ----------
    media : MediaReader
    encoder : Encoder
    store : FeatureStore
        keeps what comparison needs of a sound
    reader : TextReader, optional
        without one words in the pictures of videos are not read
    """

    def __init__(
        self, media: MediaReader, encoder: Encoder, store: FeatureStore, reader: TextReader | None = None
    ) -> None:
        self._reader = reader
        self._media = media
        self._encoder = encoder
        self._store = store

    def decoded(self, upload: Upload, *, origin: Origin) -> DecodedMedia:
        """Read and decode the media of an upload.

        Raises
        ------
        MediaError
            a medium cannot be used
        TransientError
            the disk or the decoder is not there
        """
        audio, video, artwork = (_first(upload, role) for role in ("audio", "video", "artwork"))
        heard = seen = None
        if audio is not None:
            heard = seen = self._media.medium(audio, origin=origin)
        if video is not None:
            # Mostly what is heard and what is seen is one file, read once.
            seen = self._media.medium(video, origin=origin, sound=heard is None, pictures=PICTURES)
            heard = heard or seen
        picture = self._media.picture(artwork, origin=origin) if artwork is not None else None
        return DecodedMedia(heard=heard, seen=seen, artwork=picture, only_video=audio is None)

    def added(self, encoded: EncodedUpload, upload: Upload, media: DecodedMedia) -> EncodedUpload:
        """Give the record with what its media hold; their sound is let go of.

        Raises
        ------
        MediaError
            a medium cannot be used
        TransientError
            the store is not there
        """
        rows: list[VectorRow] = []
        sound = None
        if media.heard is not None and media.seen is not None:
            may_be_mute = upload.kind is Kind.music_video and media.only_video
            heard = _listen(self._encoder, media.heard, may_be_mute=may_be_mute)
            media.heard.sound.close()
            if upload.kind is Kind.music_video:
                encoded = replace(encoded, sound_track=_sound_track(media.heard, heard))
            pictures, frames = _look(self._encoder, media.seen.pictures)
            rows += frames
            if encoded.record is not None and pictures is not None:
                shown = _read(self._reader, media.seen.pictures) if self._reader is not None else None
                encoded = replace(encoded, record=replace(encoded.record, pictures=pictures, shown=shown))
            if heard is not None:
                rows += heard.vectors
                sound = SoundFacts(
                    duration_ms=heard.duration_ms,
                    silent_share=heard.silent_share,
                    rms_dbfs=heard.rms_dbfs,
                    # Kept before the record that names it.
                    features=self._store.put(heard.features),
                    content_sha256=heard.content_sha256,
                )
        if media.artwork is not None and (model := self._encoder.models.get("artwork")):
            rows += vector_rows("artwork", model, self._encoder.encode_images([media.artwork]), (0,))
        return _with_duration(replace(encoded, vectors=(*encoded.vectors, *rows), sound=sound))


def _first(upload: Upload, role: str) -> Media | None:
    return next((media for media in upload.media if media.role == role), None)


def _listen(encoder: Encoder, medium: DecodedMedium, *, may_be_mute: bool) -> HeardSound | None:
    """Hear a medium; a music video whose track is absent or silent is known by its words and pictures."""
    if not medium.has_sound and may_be_mute:
        return None
    try:
        return encoder.encode_sound(medium.sound)
    except MediaError as exc:
        if may_be_mute and exc.refusal_code == "media_silent":
            return None
        raise


def _sound_track(medium: DecodedMedium, heard: HeardSound | None) -> str:
    if not medium.has_sound:
        return "absent"
    return "silent" if heard is None else "heard"


def _look(encoder: Encoder, shown: Sequence[TimedPicture]) -> tuple[Pictures | None, tuple[VectorRow, ...]]:
    """Mark the pictures of a video, and give rows for some of them."""
    seen = encoder.see([picture.pixels for picture in shown]) if shown else None
    if seen is None:
        return None, ()
    starts = tuple(picture.start_ms for picture in shown)
    step = -(-len(shown) // INDEXED_PICTURES)
    return (
        Pictures(model=seen.marks_model, starts_ms=starts, marks=seen.marks),
        vector_rows("frames", encoder.models["frames"], seen.vectors[::step], starts[::step]),
    )


def _read(reader: TextReader, shown: Sequence[TimedPicture]) -> ShownText | None:
    """Read the words in the first and the last pictures of a video, each line once."""
    found: dict[str, int] = {}
    for picture in (*shown[:_READ_FIRST], *shown[_READ_FIRST:][-_READ_LAST:]):
        for line in reader.lines(picture.pixels):
            found.setdefault(line[:_MOST_LETTERS], picture.start_ms)
    kept = tuple(found.items())[:_MOST_LINES]
    if not kept:
        return None
    return ShownText(
        reader=reader.name, starts_ms=tuple(start for _, start in kept), lines=tuple(line for line, _ in kept)
    )


def vector_rows(
    modality: str, model: str, vectors: NDArray[np.float32], starts: tuple[int, ...]
) -> tuple[VectorRow, ...]:
    """Write vectors as rows; zeros have no direction and are never a row of the index."""
    return tuple(
        VectorRow(
            modality=modality,
            model=model,
            window=window,
            start_ms=starts[window],
            values=vector.astype("<f2").tobytes(),
        )
        for window, vector in enumerate(vectors)
        if vector.any()
    )


def _with_duration(encoded: EncodedUpload) -> EncodedUpload:
    """Take the duration from the sound where the sender gave none; a video's may include an intro."""
    record, sound = encoded.record, encoded.sound
    if record is None or sound is None or record.duration_ms is not None or record.kind is not Kind.recording:
        return encoded
    record = replace(record, duration_ms=sound.duration_ms)
    return replace(encoded, record=record, blocking_keys=blocking_keys(record))
