"""Encode: uploads in, linkage records with vectors and features out; the unusable travels on as a refusal."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from streams.core.encoding import encode_metadata
from streams.core.features import text_for_embedding
from streams.core.records import EncodedUpload
from streams.core.upload_json import parse_upload, validate_upload
from streams.errors import FatalError, MediaError, RecordError, TransientError
from streams.ports import Clock, Codec, Encoder, FeatureStore, MediaReader, Message, Produced, TextReader
from streams.stages.encode_media import DecodedMedia, MediaEncoding, vector_rows
from streams.stages.encode_refusals import Refusals, traceparent_of
from streams.stages.encode_sketches import Sketching
from streams.stages.refusal_guard import FAILED, RefusalGuard

ENCODED: Final = "upload.encoded.v1"
CONTROLS: Final = "stage.control.v1"
# Brokers take 1 MB; what is added to a record on its way to the arbiter has to fit as well.
MAX_ENCODED_BYTES: Final = 900_000
# Decoding and hearing a song of four minutes takes as long as reading about 2,000 titles; with this a batch
# of 512 units holds three songs, so that the next look at the queue is a few seconds away.
MEDIUM_WORK: Final = 128
# How an address of a medium begins: in Avro and most JSON, and in JSON whose writer escapes each slash.
_ADDRESSES: Final = (b"file:/", b"file:\\/", b"https:/", b"https:\\/")
# Of so many uploads the media are decoded before any is heard: decoder and encoders, turn about, would
# each find the caches cold (measured with ten: benchmarks, `audio_encoding`). More would hold more files open
# and more pictures in memory: `work` is an estimate, and where no runner asks for it a batch has 256 uploads.
DECODED_TOGETHER: Final = 10
# So many unexpected errors in a row are a broken release, not broken records: where no guard holds the
# partition, all stops.
MAX_UNEXPECTED: Final = 20

Read = TypeVar("Read")

log = logging.getLogger(__name__)


class _Reading(NamedTuple):
    """One message of a batch, its place there, and what was read of it."""

    cause: int
    message: Message
    encoded: EncodedUpload


class EncodeProcessor:
    """Read uploads, embed their texts in one call, decode their media, then hear and see those in turn.

    Parameters
    ----------
    codec : Codec
    encoder : Encoder, optional
        without one, records carry no vectors and are found by their blocking keys alone
    media : MediaReader, optional
        without one (or without an encoder) media are not read
    reader : TextReader, optional
        without one words in the pictures of videos are not read
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
        reader: TextReader | None = None,
        store: FeatureStore | None = None,
        clock: Clock | None = None,
        refusals: RefusalGuard | None = None,
        heartbeat_s: float = 15.0,
    ) -> None:
        if media is not None and store is None:
            raise ValueError("media are read into a feature store")
        self._media = None
        if media is not None and encoder is not None and store is not None:
            self._media = MediaEncoding(media, encoder, store, reader)
        self._codec = codec
        self._encoder = encoder
        self._sketching = Sketching(codec, encoder, clock=clock, heartbeat_s=heartbeat_s)
        self._unexpected = 0
        self._guard = refusals
        self._refusals = Refusals(store)

    def work(self, message: Message) -> int:
        """Estimate what a message costs: 1 for metadata alone, more for each medium it names."""
        body = message.value or b""
        return 1 + MEDIUM_WORK * sum(map(body.count, _ADDRESSES))

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
        if self._guard is not None:
            self._guard.begin()
        admitted = [(cause, message) for cause, message in enumerate(batch) if self._admits(message)]
        encoded = self._with_text([self._guarded(message) for _, message in admitted])
        read = [_Reading(*each, its) for each, its in zip(admitted, encoded, strict=True)]
        done: list[EncodedUpload] = []
        produced: list[Produced] = []
        for part in _parts(read):
            decoded = [self._decoded(each.message, each.encoded) for each in part]
            for (cause, message, each), media in zip(part, decoded, strict=True):
                # A record before it may have been one refusal too many.
                if not self._admits(message):
                    continue
                each, value = self._written(message, self._with_media(message, each, media))
                key = each.key.text().encode(errors="replace") if each.source else message.key or b""
                produced.append(Produced(topic=ENCODED, key=key, value=value, cause=cause))
                done.append(each)
                if self._guard is not None:
                    self._guard.count(message, each.refusal)
        # Last, so that a batch that failed above is not counted when it comes again.
        produced += self._sketching.fold(done, (batch[-1].topic, batch[-1].partition))
        return [*produced, *self._holds()]

    def idle(self, partitions: Sequence[tuple[str, int]]) -> Sequence[Produced]:
        """Give what is due while nothing comes from the partitions that are ours."""
        return [*self._sketching.due(partitions), *self._holds()]

    # --- holding a partition ---

    def _admits(self, message: Message) -> bool:
        return self._guard is None or self._guard.admits(message)

    def _holds(self) -> list[Produced]:
        """Say what is held, until the control log says it."""
        if self._guard is None:
            return []
        return [
            Produced(topic=CONTROLS, key=said.key().encode(), value=self._codec.encode(CONTROLS, said))
            for said in self._guard.unsaid()
        ]

    # --- reading ---

    def _guarded(self, message: Message) -> EncodedUpload:
        """Read one upload; whatever its bytes do to us, the record after it is processed."""
        try:
            encoded = self._read(message)
        except RecordError as exc:
            return self._refusals.refused(message, code=exc.code, reason=str(exc))
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
            origin=message.origin,
            received_ms=message.timestamp_ms,
            traceparent=traceparent_of(message),
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
            replace(each, vectors=(*each.vectors, *vector_rows("text", model, vector[None], (0,))))
            for each, vector in zip(encoded, vectors, strict=True)
        ]

    # --- media ---

    def _decoded(self, message: Message, encoded: EncodedUpload) -> DecodedMedia | EncodedUpload | None:
        """Decode the media of one upload, or say why it is refused."""
        media, upload = self._media, encoded.upload
        if media is None or upload is None or not upload.media:
            return None
        return self._usable(message, encoded, lambda: media.decoded(upload, origin=encoded.origin))

    def _with_media(
        self, message: Message, encoded: EncodedUpload, decoded: DecodedMedia | EncodedUpload | None
    ) -> EncodedUpload:
        """Hear and see the media of one upload."""
        media, upload = self._media, encoded.upload
        if isinstance(decoded, EncodedUpload):
            return decoded
        if media is None or upload is None or decoded is None:
            return encoded
        return self._usable(message, encoded, lambda: media.added(encoded, upload, decoded))

    def _usable(
        self, message: Message, encoded: EncodedUpload, read: Callable[[], Read]
    ) -> Read | EncodedUpload:
        """Read media; such as cannot be used refuse the whole upload.

        Resolving by title alone what was sent with sound would hide that the sound never arrived.
        """
        try:
            return read()
        except MediaError as exc:
            return self._refusals.refused(message, code=exc.refusal_code, reason=str(exc), encoded=encoded)
        except (TransientError, FatalError):
            raise
        except Exception as exc:
            return self._foreseen_by_nobody(message, exc, encoded)

    # --- writing ---

    def _written(self, message: Message, encoded: EncodedUpload) -> tuple[EncodedUpload, bytes]:
        """Write a record; one too large for the log becomes a refusal."""
        encoded = replace(encoded, gap=message.gap)
        value = self._codec.encode(ENCODED, encoded)
        if len(value) > MAX_ENCODED_BYTES:
            reason = f"{len(value)} bytes once encoded, {MAX_ENCODED_BYTES} are allowed"
            encoded = self._refusals.refused(message, code="upload_too_large", reason=reason, encoded=encoded)
            encoded = replace(encoded, gap=message.gap)
            value = self._codec.encode(ENCODED, encoded)
        return encoded, value

    def _foreseen_by_nobody(
        self, message: Message, exc: Exception, encoded: EncodedUpload | None = None
    ) -> EncodedUpload:
        """Refuse a record that breaks our own code, unless everything does."""
        origin = message.origin
        log.error("encode failed at %s", origin, exc_info=exc)
        self._unexpected += 1
        if self._guard is None and self._unexpected >= MAX_UNEXPECTED:
            raise FatalError(f"{self._unexpected} records in a row failed, the last with {exc!r}") from exc
        reason = f"reading it failed: {type(exc).__name__}"
        return self._refusals.refused(message, code=FAILED, reason=reason, encoded=encoded)


def _parts(read: Iterable[_Reading]) -> Iterator[list[_Reading]]:
    """Give a batch in its order, in parts that name media as often as are decoded together at most."""
    part: list[_Reading] = []
    naming = 0
    for each in read:
        names = each.encoded.upload is not None and bool(each.encoded.upload.media)
        if naming + names > DECODED_TOGETHER:
            yield part
            part, naming = [], 0
        part.append(each)
        naming += names
    yield part
