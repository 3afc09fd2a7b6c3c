"""Encode: uploads in, linkage records with vectors and features out; the unusable travels on as a refusal."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import orjson
from msgspec.structs import replace
from numpy.typing import NDArray

from streams.core.blocking import blocking_keys
from streams.core.encoding import INLINE_LIMIT, encode_metadata, refused
from streams.core.features import text_for_embedding
from streams.core.records import (
    EmbeddingSketch,
    EncodedUpload,
    Kind,
    Media,
    Origin,
    Pictures,
    SoundFacts,
    Upload,
    VectorRow,
)
from streams.core.sketches import Quiet, Sketcher, heartbeat
from streams.core.trace_context import read_traceparent
from streams.core.upload_json import parse_upload, validate_upload
from streams.errors import FatalError, MediaError, RecordError, TransientError
from streams.ports import (
    Clock,
    Codec,
    DecodedMedium,
    Encoder,
    FeatureStore,
    HeardSound,
    MediaReader,
    Message,
    Produced,
    TimedPicture,
)
from streams.stages.refusal_guard import FAILED, RefusalGuard

ENCODED: Final = "upload.encoded.v1"
SKETCHES: Final = "embedding.sketch.v1"
CONTROLS: Final = "stage.control.v1"
TRACE_HEADER: Final = "traceparent"
# Brokers take 1 MB; what is added to a record on its way to the arbiter has to fit as well.
MAX_ENCODED_BYTES: Final = 900_000
# Of a video; a third of them stands in the index, where every row costs each search.
PICTURES: Final = 24
INDEXED_PICTURES: Final = 8
# Decoding and hearing a song of four minutes takes as long as reading about 2,000 titles; with this a batch
# of 256 units holds two songs, so that the next look at the queue is a few seconds away.
MEDIUM_WORK: Final = 128
# A batch touches every partition, and a sketch costs the monitor as much as twenty uploads cost encode. One
# that is not whole waits for more, for this share of the time after which a model is quiet.
SKETCH_WAITS: Final = 1 / 8
# So many unexpected errors in a row are a broken release, not broken records: where no guard holds the
# partition, all stops.
MAX_UNEXPECTED: Final = 20

log = logging.getLogger(__name__)


class EncodeProcessor:
    """Read uploads, embed their texts in one call, and hear and see their media one after another.

    Parameters
    ----------
    codec : Codec
    encoder : Encoder, optional
        without one, records carry no vectors and are found by their blocking keys alone
    media : MediaReader, optional
        without one (or without an encoder) media are not read
    store : FeatureStore, optional
        keeps sound features and the bodies of large refused records; needed wherever media are read
    clock : Clock, optional
        without one no heartbeats are sent, and sketches with every batch
    refusals : RefusalGuard, optional
        counts refusals and holds a partition that has too many of them; a batch then ends early there
    heartbeat_s : float > 0 [s]
        a model that made no sketch for so long sends a heartbeat, so that its windows close

    Notes
    -----
    May be called from any thread, one call at a time.
    """

    def __init__(
        self,
        codec: Codec,
        encoder: Encoder | None = None,
        *,
        media: MediaReader | None = None,
        store: FeatureStore | None = None,
        clock: Clock | None = None,
        refusals: RefusalGuard | None = None,
        heartbeat_s: float = 15.0,
    ) -> None:
        if media is not None and store is None:
            raise ValueError("media are read into a feature store")
        self._codec = codec
        self._encoder = encoder
        self._media = media
        self._store = store
        # Without a clock nobody could say when a sketch that waits is due.
        self._sketcher = Sketcher(every_s=heartbeat_s * SKETCH_WAITS if clock is not None else 0.0)
        self._clock = clock
        self._quiet = Quiet(encoder.models.items() if encoder is not None else (), after_s=heartbeat_s)
        self._read_to: dict[tuple[str, int], int] = {}
        self._unexpected = 0
        self._refusals = refusals

    def work(self, message: Message) -> int:
        """Estimate what a message costs: 1 for metadata alone, more for each medium it names."""
        body = message.value or b""
        return 1 + MEDIUM_WORK * sum(body.count(scheme) for scheme in (b"file:/", b"https:/"))

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Give one `upload.encoded.v1` record for every message, and the sketches that changed.

        What lies behind a record that made the guard hold its partition is left undone.

        Raises
        ------
        TransientError
            the feature store, the disk or the decoder is not there: the same batch comes again
        FatalError
            a model is not the one its card describes, or too many records failed in a way nobody foresaw
        """
        if self._refusals is not None:
            self._refusals.begin()
        admitted = [(cause, message) for cause, message in enumerate(batch) if self._admits(message)]
        encoded = self._with_text([self._guarded(message) for _, message in admitted])
        done: list[EncodedUpload] = []
        produced: list[Produced] = []
        for (cause, message), each in zip(admitted, encoded, strict=True):
            # A record before it may have been one refusal too many.
            if not self._admits(message):
                continue
            each, value = self._written(message, self._with_media(message, each))
            key = each.key.text().encode(errors="replace") if each.source else message.key or b""
            produced.append(Produced(topic=ENCODED, key=key, value=value, cause=cause))
            done.append(each)
            if self._refusals is not None:
                self._refusals.count(message, each.refusal)
        # Last, so that a batch that failed above is not counted when it comes again.
        vectors = ((each.origin, each.vectors) for each in done)
        sketches = self._sketcher.fold(vectors, now=self._now())
        produced += map(self._sketched, sketches)
        produced += self._holds()
        for each in done:
            self._read_to[each.origin.topic, each.origin.partition] = each.origin.offset
        produced += self._heartbeats([(batch[-1].topic, batch[-1].partition)], sketches)
        return produced

    def idle(self, partitions: Sequence[tuple[str, int]]) -> Sequence[Produced]:
        """Give what is due while nothing comes from the partitions that are ours."""
        sketches = self._sketcher.due(self._now())
        return [*map(self._sketched, sketches), *self._heartbeats(partitions, sketches), *self._holds()]

    # --- holding a partition ---

    def _admits(self, message: Message) -> bool:
        return self._refusals is None or self._refusals.admits(message)

    def _holds(self) -> list[Produced]:
        """Say what is held, until the control log says it."""
        if self._refusals is None:
            return []
        return [
            Produced(topic=CONTROLS, key=said.key().encode(), value=self._codec.encode(CONTROLS, said))
            for said in self._refusals.unsaid()
        ]

    # --- sketches ---

    def _now(self) -> float:
        return self._clock.monotonic() if self._clock is not None else 0.0

    def _heartbeats(
        self, partitions: Sequence[tuple[str, int]], given: Iterable[EmbeddingSketch]
    ) -> list[Produced]:
        """Speak for each quiet model, in the name of one of our partitions: what it moves is time alone."""
        if self._clock is None or not partitions:
            return []
        spoken = {(sketch.modality, sketch.model) for sketch in given} | self._sketcher.waiting
        topic, partition = min(partitions)
        offset = self._read_to.get((topic, partition), 0)
        return [
            self._sketched(
                heartbeat(topic=topic, partition=partition, offset=offset, modality=modality, model=model)
            )
            for modality, model in self._quiet.due(spoken=spoken, now=self._now())
        ]

    def _sketched(self, sketch: EmbeddingSketch) -> Produced:
        key = f"{sketch.modality}/{sketch.model}".encode()
        return Produced(topic=SKETCHES, key=key, value=self._codec.encode(SKETCHES, sketch))

    # --- reading ---

    def _guarded(self, message: Message) -> EncodedUpload:
        """Read one upload; whatever its bytes do to us, the record after it is processed."""
        try:
            encoded = self._read(message)
        except RecordError as exc:
            return self._refused(message, code=exc.code, reason=str(exc))
        except (TransientError, FatalError):
            raise
        except Exception as exc:
            return self._foreseen_by_nobody(message, exc)
        self._unexpected = 0
        return encoded

    def _read(self, message: Message) -> EncodedUpload:
        """Read one upload, as Avro or as JSON."""
        body = message.value or b""
        if body.lstrip()[:1] == b"{":
            upload = parse_upload(body)
        else:
            upload = self._codec.decode(message.topic, body)
            validate_upload(upload)
        return encode_metadata(
            upload,
            origin=_origin(message),
            received_ms=message.timestamp_ms,
            traceparent=_traceparent(message),
        )

    # --- texts ---

    def _with_text(self, encoded: list[EncodedUpload]) -> list[EncodedUpload]:
        """Add a text vector where there is text to embed."""
        if self._encoder is None:
            return encoded
        texts = [text_for_embedding(each.record) if each.record else "" for each in encoded]
        if not any(texts):
            return encoded
        vectors = self._encoder.encode_texts(texts)
        model = self._encoder.models["text"]
        return [
            replace(each, vectors=(*each.vectors, *_rows("text", model, vector[None], (0,))))
            for each, vector in zip(encoded, vectors, strict=True)
        ]

    # --- media ---

    def _with_media(self, message: Message, encoded: EncodedUpload) -> EncodedUpload:
        """Hear and see the media of one upload; one that cannot be used refuses the whole upload.

        Resolving by title alone what was sent with sound would hide that the sound never arrived.
        """
        upload = encoded.upload
        if upload is None or not upload.media or self._media is None or self._encoder is None:
            return encoded
        try:
            return self._heard(encoded, upload, self._media, self._encoder)
        except MediaError as exc:
            return self._refused(message, code=exc.refusal_code, reason=str(exc), encoded=encoded)
        except (TransientError, FatalError):
            raise
        except Exception as exc:
            return self._foreseen_by_nobody(message, exc, encoded)

    def _heard(
        self, encoded: EncodedUpload, upload: Upload, media: MediaReader, encoder: Encoder
    ) -> EncodedUpload:
        audio, video, artwork = (_first(upload, role) for role in ("audio", "video", "artwork"))
        rows: list[VectorRow] = []
        sound = None
        if audio is not None or video is not None:
            medium, seen = self._decoded(encoded.origin, media, audio=audio, video=video)
            heard = _listen(encoder, medium, may_be_mute=upload.kind is Kind.music_video and audio is None)
            medium.sound.close()
            if upload.kind is Kind.music_video:
                encoded = replace(encoded, sound_track=_sound_track(medium, heard))
            pictures, frames = _look(encoder, seen.pictures)
            rows += frames
            if encoded.record is not None and pictures is not None:
                encoded = replace(encoded, record=replace(encoded.record, pictures=pictures))
            if heard is not None:
                rows += heard.vectors
                sound = SoundFacts(
                    duration_ms=heard.duration_ms,
                    silent_share=heard.silent_share,
                    rms_dbfs=heard.rms_dbfs,
                    features=self._keep(heard.features),
                    content_sha256=heard.content_sha256,
                )
        if artwork is not None:
            picture = media.picture(artwork, origin=encoded.origin)
            if model := encoder.models.get("artwork"):
                rows += _rows("artwork", model, encoder.encode_images([picture]), (0,))
        return _with_duration(replace(encoded, vectors=(*encoded.vectors, *rows), sound=sound))

    def _decoded(
        self, origin: Origin, media: MediaReader, *, audio: Media | None, video: Media | None
    ) -> tuple[DecodedMedium, DecodedMedium]:
        """Decode what is heard and what is seen; mostly the same file, read once."""
        if audio is None and video is not None:
            both = media.medium(video, origin=origin, pictures=PICTURES)
            return both, both
        if audio is None:
            raise MediaError("no medium with sound", code="media_missing")
        heard = media.medium(audio, origin=origin)
        if video is None:
            return heard, heard
        return heard, media.medium(video, origin=origin, sound=False, pictures=PICTURES)

    def _keep(self, blob: bytes) -> str:
        """Keep a blob before the record that names it."""
        if self._store is None:
            raise FatalError("there is no feature store to keep features in")
        return self._store.put(blob)

    # --- writing ---

    def _written(self, message: Message, encoded: EncodedUpload) -> tuple[EncodedUpload, bytes]:
        """Write a record; one too large for the log becomes a refusal."""
        encoded = replace(encoded, gap=message.gap)
        value = self._codec.encode(ENCODED, encoded)
        if len(value) > MAX_ENCODED_BYTES:
            reason = f"{len(value)} bytes once encoded, {MAX_ENCODED_BYTES} are allowed"
            encoded = self._refused(message, code="upload_too_large", reason=reason, encoded=encoded)
            encoded = replace(encoded, gap=message.gap)
            value = self._codec.encode(ENCODED, encoded)
        return encoded, value

    def _refused(
        self, message: Message, *, code: str, reason: str, encoded: EncodedUpload | None = None
    ) -> EncodedUpload:
        """Carry a record on with why it is refused, naming its item as far as it can be told."""
        body = message.value or b""
        made = refused(
            body,
            code=code,
            reason=reason[:2000].encode("utf-8", "replace").decode("utf-8"),
            origin=_origin(message),
            received_ms=message.timestamp_ms,
            traceparent=_traceparent(message),
            headers=message.headers,
        )
        if made.refusal is not None and len(body) > INLINE_LIMIT and self._store is not None:
            made = replace(made, refusal=replace(made.refusal, body_blob=self._store.put(body)))
        if encoded is None:
            source, item_id = _claimed_item(body)
            return replace(made, source=source, item_id=item_id)
        return replace(
            made,
            source=encoded.source,
            item_id=encoded.item_id,
            revision=encoded.revision,
            operation=encoded.operation,
            digest=encoded.digest,
            kind=encoded.kind,
        )

    def _foreseen_by_nobody(
        self, message: Message, exc: Exception, encoded: EncodedUpload | None = None
    ) -> EncodedUpload:
        """Refuse a record that breaks our own code, unless everything does."""
        origin = _origin(message)
        log.error("encode failed at %s", origin, exc_info=exc)
        self._unexpected += 1
        if self._refusals is None and self._unexpected >= MAX_UNEXPECTED:
            raise FatalError(f"{self._unexpected} records in a row failed, the last with {exc!r}") from exc
        reason = f"reading it failed: {type(exc).__name__}"
        return self._refused(message, code=FAILED, reason=reason, encoded=encoded)


def _origin(message: Message) -> Origin:
    return Origin(topic=message.topic, partition=message.partition, offset=message.offset)


def _traceparent(message: Message) -> str | None:
    """Give the trace context; what is none goes no further: a stranger wrote it."""
    trace = message.header(TRACE_HEADER)
    return trace.decode() if trace is not None and read_traceparent(trace) is not None else None


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
        _rows("frames", encoder.models["frames"], seen.vectors[::step], starts[::step]),
    )


def _rows(
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


def _claimed_item(body: bytes) -> tuple[str, str]:
    """Read whose record a refused JSON object claims to be, so that its sender finds the decision."""
    try:
        raw: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    source, item_id = (raw.get("source"), raw.get("item_id")) if isinstance(raw, dict) else ("", "")
    if (
        isinstance(source, str)
        and isinstance(item_id, str)
        and source
        and max(len(source), len(item_id)) <= 512
    ):
        return source, item_id
    return "", ""
