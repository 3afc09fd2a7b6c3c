"""Encode: uploads in, linkage records out; what cannot be read travels on as a refusal."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from streams.core.encoding import encode_metadata, refused
from streams.core.features import text_for_embedding
from streams.core.records import EncodedUpload, Origin, VectorRow
from streams.core.upload_json import parse_upload, validate_upload
from streams.errors import RecordError
from streams.ports import Codec, Encoder, Message, Produced

ENCODED: Final = "upload.encoded.v1"
TRACE_HEADER: Final = "traceparent"


class EncodeProcessor:
    """Read metadata and embed its text, one batched call for the whole batch.

    Parameters
    ----------
    codec : Codec
    encoder : Encoder, optional
        without one, records carry no vectors and are found by their blocking keys alone
    """

    def __init__(self, codec: Codec, encoder: Encoder | None = None) -> None:
        self._codec = codec
        self._encoder = encoder

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Give one `upload.encoded.v1` record for every `catalog.upload.v1` message."""
        encoded = self._with_text([self._read(message) for message in batch])
        return [
            Produced(
                topic=ENCODED,
                key=each.key.text().encode() if each.refusal is None else message.key or b"",
                value=self._codec.encode(ENCODED, each),
                cause=cause,
            )
            for cause, (message, each) in enumerate(zip(batch, encoded, strict=True))
        ]

    def _read(self, message: Message) -> EncodedUpload:
        """Read one upload, as Avro or as JSON."""
        origin = Origin(topic=message.topic, partition=message.partition, offset=message.offset)
        trace = message.header(TRACE_HEADER)
        traceparent = trace.decode("ascii", errors="replace") if trace else None
        body = message.value or b""
        try:
            if body.lstrip()[:1] == b"{":
                upload = parse_upload(body)
            else:
                upload = self._codec.decode(message.topic, body)
                validate_upload(upload)
        except RecordError as exc:
            return refused(
                body,
                code=exc.code,
                reason=str(exc),
                origin=origin,
                received_ms=message.timestamp_ms,
                traceparent=traceparent,
            )
        return encode_metadata(
            upload, origin=origin, received_ms=message.timestamp_ms, traceparent=traceparent
        )

    def _with_text(self, encoded: list[EncodedUpload]) -> list[EncodedUpload]:
        """Add a text vector where there is text to embed."""
        if self._encoder is None:
            return encoded
        texts = [text_for_embedding(each.record) if each.record else "" for each in encoded]
        vectors = self._encoder.encode_texts(texts)
        model = self._encoder.models["text"]
        # A row of zeros means that nothing could be read: no direction, so never a row of the index.
        return [
            replace(
                each,
                vectors=(
                    *each.vectors,
                    VectorRow(
                        modality="text",
                        model=model,
                        window=0,
                        start_ms=0,
                        values=vector.astype("<f2").tobytes(),
                    ),
                ),
            )
            if np.any(vector)
            else each
            for each, vector in zip(encoded, vectors, strict=True)
        ]
