"""The encode stage on real small files: bad input gets its code, and the record after it is processed."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from streams.core.records import EmbeddingSketch, EncodedUpload, Kind, Media, Origin, Upload
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.avro import AvroCodec
from streams.edges.clock import SystemClock
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_fetch import MediaFetcher
from streams.edges.media_https import HttpsDownload
from streams.edges.media_reader import LimitedMediaReader
from streams.edges.media_sound import HeldSound
from streams.edges.memory_encoder import MemoryConfirmer, MemoryEncoder
from streams.edges.memory_features import MemoryFeatureStore
from streams.errors import FatalError, TransientError
from streams.ports import Codec, DecodedMedium, FloatArray, Message, Produced
from streams.stages.encode import DECODED_TOGETHER, EncodeProcessor
from tests.unit.media_files import melody, ogg, picture, video, wav

CODEC: Codec = AvroCodec()
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Stage:
    """An encode stage with everything real but the models."""

    def __init__(self, folder: Path) -> None:
        self.music = folder / "music"
        self.music.mkdir()
        self.store = MemoryFeatureStore()
        clock = SystemClock()
        scratch = folder / "scratch"
        download = HttpsDownload(
            allowed_hosts=(),
            max_bytes=5_000_000,
            timeout_s=5,
            clock=clock,
            resolve=lambda host, *_: ("127.0.0.1" if host == "localhost" else host,),
        )
        self.reader = LimitedMediaReader(
            MediaFetcher(
                roots=lambda: (self.music,),
                download=download,
                max_bytes=5_000_000,
                scratch=scratch,
                clock=clock,
            ),
            MediaDecoder(
                marks=AttemptMarks(folder / "marks"),
                scratch=scratch,
                max_seconds=60,
                max_pixels=1_000_000,
                timeout_s=30,
                memory_mb=1024,
            ),
        )
        self.processor = EncodeProcessor(CODEC, MemoryEncoder(), media=self.reader, store=self.store)

    def file(self, name: str, data: bytes) -> dict[str, Any]:
        path = self.music / name
        path.write_bytes(data)
        return {"uri": path.as_uri(), "role": "audio", "sha256": hashlib.sha256(data).hexdigest()}

    def encode(self, *bodies: bytes | dict[str, Any]) -> list[EncodedUpload]:
        batch = [message(body, offset) for offset, body in enumerate(bodies)]
        produced = self.processor.process(batch)
        found = [each for each in produced if each.topic == "upload.encoded.v1"]
        assert [each.cause for each in found] == list(range(len(bodies)))
        return [CODEC.decode(each.topic, each.value or b"") for each in found]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as folder:
        made = Stage(Path(folder))
        yield made
        made.reader.close()


def upload(**fields: Any) -> dict[str, Any]:
    base = {"source": "label-a", "item_id": "A-1", "kind": "recording", "title": "Clear Water"}
    return {**base, "artists": [{"name": "The Example Band"}], **fields}


def message(body: bytes | dict[str, Any], offset: int = 0, partition: int = 0) -> Message:
    return Message(
        topic="catalog.upload.v1",
        partition=partition,
        offset=offset,
        key=b"some key",
        value=body if isinstance(body, bytes) else orjson.dumps(body),
        headers=(("traceparent", TRACE),),
        timestamp_ms=1_700_000_000_000,
    )


def only(stage: Stage, body: bytes | dict[str, Any]) -> EncodedUpload:
    (encoded,) = stage.encode(body)
    return encoded


def refusal(stage: Stage, body: bytes | dict[str, Any]) -> str:
    """Give the refusal's code, after checking that the record behind it was processed."""
    first, second = stage.encode(body, upload(item_id="next"))
    assert first.refusal is not None, "it was not refused"
    assert first.refusal.reason
    assert second.refusal is None
    assert second.record is not None
    return first.refusal.code


def test_reads_metadata_from_json_and_avro_alike(stage: Stage) -> None:
    body = upload(revision=3)
    from_json = only(stage, body)
    avro = CODEC.encode("catalog.upload.v1", from_json.upload)
    assert only(stage, avro) == from_json
    assert (from_json.source, from_json.item_id, from_json.revision) == ("label-a", "A-1", 3)
    assert from_json.received_ms == 1_700_000_000_000
    assert from_json.traceparent == TRACE.decode()
    assert from_json.record is not None
    assert from_json.blocking_keys
    assert [(row.modality, len(row.values)) for row in from_json.vectors] == [("text", 1024)]


def test_keys_name_the_item(stage: Stage) -> None:
    (produced, *_) = stage.processor.process([message(upload())])
    assert produced.key == b"7:label-aA-1"
    (produced, *_) = stage.processor.process([message(b"\xff")])
    assert produced.key == b"some key"


def test_hears_a_recording(stage: Stage) -> None:
    media = stage.file("a.ogg", ogg(melody(12.0)))
    encoded = only(stage, upload(media=[media]))
    assert encoded.refusal is None
    assert encoded.sound is not None
    assert abs(encoded.sound.duration_ms - 12_000) < 60
    assert stage.store.has(encoded.sound.features)
    assert [row.modality for row in encoded.vectors] == ["text", "identity"]
    assert encoded.record is not None
    assert encoded.record.duration_ms == encoded.sound.duration_ms


def test_a_declared_duration_stays(stage: Stage) -> None:
    media = stage.file("b.ogg", ogg(melody(3.0)))
    encoded = only(stage, upload(media=[media], duration_ms=215_000))
    assert encoded.record is not None
    assert encoded.record.duration_ms == 215_000


def test_media_alone_are_enough(stage: Stage) -> None:
    encoded = only(stage, upload(title=None, artists=[], media=[stage.file("c.wav", wav(melody(2.0)))]))
    assert encoded.refusal is None
    assert [row.modality for row in encoded.vectors] == ["identity"]


def test_hears_and_sees_a_music_video(stage: Stage) -> None:
    film = stage.file("v.mp4", video(10, y=melody(10.0))) | {"role": "video"}
    cover = stage.file("cover.png", picture(300, 200)) | {"role": "artwork"}
    encoded = only(stage, upload(kind="music_video", media=[film, cover]))
    assert encoded.kind is Kind.music_video
    rows = [row.modality for row in encoded.vectors]
    assert rows.count("frames") == 5  # every second of ten
    assert rows.count("artwork") == 1
    assert rows.count("identity") == 1
    starts = [row.start_ms for row in encoded.vectors if row.modality == "frames"]
    assert starts == sorted(starts)


def test_a_lossless_copy_has_the_same_content(stage: Stage) -> None:
    y = melody(3.0)
    one, two = stage.encode(
        upload(media=[stage.file("one.wav", wav(y))]),
        upload(item_id="2", media=[stage.file("two.wav", wav(y))]),
    )
    assert one.sound is not None
    assert two.sound is not None
    assert MemoryConfirmer(stage.store).confirm(one.sound, two.sound).same_content


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "decode_error"),
        (b"{", "schema_error"),
        (
            b'{"source": "a", "item_id": "b", "kind": "recording", "title": "x", "colour": "red"}',
            "schema_error",
        ),
        (b'{"source": "a"}', "schema_error"),
        (orjson.dumps(upload(duration_ms=-5)), "schema_error"),
        (orjson.dumps(upload(title="  ")), "schema_error"),
        (b"[1, 2]", "decode_error"),
        (b"\xc3\x02 wrong magic", "decode_error"),
        (b"\xc3\x01\x00\x00\x00\x00\x00\x00\x00\x00 unknown fingerprint", "decode_error"),
        (b"\x00" * 100, "decode_error"),
    ],
)
def test_refuses_what_is_no_upload(stage: Stage, body: bytes, code: str) -> None:
    assert refusal(stage, body) == code


def test_an_invalid_upload_in_avro_is_refused(stage: Stage) -> None:
    body = CODEC.encode("catalog.upload.v1", Upload(source="a", item_id="b", title="x", duration_ms=-1))
    assert refusal(stage, body) == "schema_error"


def test_a_refusal_names_the_item_it_can_read_and_carries_the_bytes(stage: Stage) -> None:
    body = orjson.dumps(upload(colour="red"))
    refused = only(stage, body)
    assert (refused.source, refused.item_id) == ("label-a", "A-1")
    assert refused.refusal is not None
    assert "colour" in refused.refusal.reason
    assert refused.refusal.body == body
    assert refused.refusal.body_sha256 == hashlib.sha256(body).hexdigest()
    assert refused.traceparent == TRACE.decode()


def test_a_large_refused_body_goes_to_the_store(stage: Stage) -> None:
    body = b"{" + b"x" * 300_000
    refused = only(stage, body).refusal
    assert refused is not None
    assert refused.body == body[:4096]
    assert refused.body_bytes == len(body)
    assert refused.body_blob is not None
    assert stage.store.get(refused.body_blob) == body


def test_an_upload_too_large_for_the_log_is_refused(stage: Stage) -> None:
    titles = [{"text": "x" * 4000} for _ in range(300)]
    assert refusal(stage, upload(alternative_titles=titles)) == "upload_too_large"


def test_a_wrong_identifier_is_no_refusal(stage: Stage) -> None:
    encoded = only(stage, upload(releases=[{"title": "River Songs", "gtin": "00036000291453"}]))
    assert encoded.refusal is None
    assert [problem.scheme for problem in encoded.identifier_problems] == ["gtin"]


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def bad_media(stage: Stage) -> dict[str, tuple[dict[str, Any], str]]:
    good = stage.file("good.ogg", ogg(melody(3.0)))
    cover = {"role": "artwork"}
    return {
        "empty": (stage.file("e.ogg", b""), "media_empty"),
        "truncated": (stage.file("t.ogg", half(ogg(melody(5.0)))), "media_truncated"),
        "mislabelled": (stage.file("m.ogg", b"%PDF-1.7 not a song" * 50), "media_not_audio"),
        "silent": (stage.file("s.wav", wav(np.zeros(60_000, dtype=np.float32))), "media_silent"),
        "short": (stage.file("h.wav", wav(melody(0.3))), "media_too_short"),
        "long": (stage.file("l.wav", wav(melody(61.0))), "media_too_long"),
        "digest": (good | {"sha256": "0" * 64}, "media_digest_mismatch"),
        "missing": ({"role": "audio", "uri": (stage.music / "none.ogg").as_uri()}, "media_missing"),
        "outside": ({"role": "audio", "uri": "file:///etc/passwd"}, "media_outside_roots"),
        "loopback": ({"role": "audio", "uri": "https://localhost/a.ogg"}, "media_private_address"),
        "private": ({"role": "audio", "uri": "https://10.0.0.8/a.ogg"}, "media_private_address"),
        "metadata-service": ({"role": "audio", "uri": "https://169.254.169.254/"}, "media_private_address"),
        "s3": ({"role": "audio", "uri": "s3://bucket/a.ogg"}, "media_scheme"),
        "bomb": (stage.file("b.png", picture(2000, 2000)) | cover, "media_image_bomb"),
        "no-picture": (stage.file("p.png", b"no picture") | cover, "media_not_image"),
    }


@pytest.mark.parametrize("title", ["Clear Water", None])
def test_refuses_media_that_cannot_be_used(stage: Stage, title: str | None) -> None:
    good = stage.file("beside.ogg", ogg(melody(2.0)))
    for name, (media, code) in bad_media(stage).items():
        several = [media] if media["role"] == "audio" else [good, media]
        assert (name, refusal(stage, upload(title=title, media=several))) == (name, code)


def test_a_refusal_for_media_names_the_revision(stage: Stage) -> None:
    refused = only(stage, upload(revision=4, media=[{"role": "audio", "uri": "s3://b/a.ogg"}]))
    assert (refused.source, refused.revision) == ("label-a", 4)
    assert refused.digest
    assert refused.vectors == ()
    assert refused.upload is None


def test_withdrawals_have_no_vectors_and_may_name_no_revision(stage: Stage) -> None:
    plain = {"source": "label-a", "item_id": "A-1", "operation": "withdraw"}
    first, second = stage.encode(plain, {**plain, "revision": 2})
    assert (first.revision, second.revision) == (None, 2)
    assert first.vectors == ()


def test_work_grows_with_media(stage: Stage) -> None:
    work = stage.processor.work
    media = [{"role": "audio", "uri": "file:///a"}, {"role": "artwork", "uri": "https://h/b"}]
    assert work(message(upload())) == 1
    assert work(message(upload(media=media))) > 2 * work(message(upload(media=media[:1]))) - 2
    avro = CODEC.encode(
        "catalog.upload.v1", Upload(source="a", item_id="b", media=(Media(role="audio", uri="file:///a"),))
    )
    assert work(message(avro)) == work(message(upload(media=media[:1])))
    escaped = orjson.dumps(upload(media=media)).replace(b"/", b"\\/")
    assert work(message(escaped)) == work(message(upload(media=media)))


class Lent(HeldSound):
    """A sound that counts how many are open."""

    open = most = 0

    def __init__(self, y: FloatArray) -> None:
        super().__init__(HeldSound.of(y, sr=22_050).read(0, len(y)), sr=22_050)
        Lent.open += 1
        Lent.most = max(Lent.most, Lent.open)

    def close(self) -> None:
        Lent.open -= 1


class Lending:
    """A reader of media without files."""

    def medium(self, media: Media, *, origin: Origin, sound: bool = True, pictures: int = 0) -> DecodedMedium:
        return DecodedMedium(sound=Lent(melody(2.0, seed=origin.offset)), duration_ms=2_000)

    def picture(self, media: Media, *, origin: Origin) -> NDArray[np.uint8]:
        raise AssertionError("no upload here has a picture")


def test_however_long_a_batch_is_few_media_are_open_at_once() -> None:
    media = [{"role": "audio", "uri": "file:///a"}]
    batch = [
        message(upload(item_id=str(number), media=media if number % 2 else []), number)
        for number in range(6 * DECODED_TOGETHER)
    ]
    processor = EncodeProcessor(CODEC, MemoryEncoder(), media=Lending(), store=MemoryFeatureStore())
    encoded: list[EncodedUpload] = [
        CODEC.decode(each.topic, each.value or b"")
        for each in processor.process(batch)
        if each.topic == "upload.encoded.v1"
    ]
    assert [each.item_id for each in encoded] == [str(number) for number in range(len(batch))]
    assert [each.sound is not None for each in encoded] == [bool(number % 2) for number in range(len(batch))]
    assert (Lent.open, Lent.most) == (0, DECODED_TOGETHER)


def test_the_same_batch_gives_the_same_records(stage: Stage) -> None:
    batch = [message(upload(media=[stage.file("same.ogg", ogg(melody(3.0)))]))]
    first = stage.processor.process(batch)[0]
    assert stage.processor.process(batch)[0] == first


def test_sketches_follow_the_records() -> None:
    processor = EncodeProcessor(CODEC, MemoryEncoder())
    produced = processor.process([message(upload(item_id=str(n)), offset=250 + n) for n in range(10)])
    sketches: list[EmbeddingSketch] = [
        CODEC.decode(p.topic, p.value or b"") for p in produced if p.topic == "embedding.sketch.v1"
    ]
    assert [(s.range_start, s.count) for s in sketches] == [(0, 6), (256, 4)]
    assert {p.key for p in produced if p.topic == "embedding.sketch.v1"} == {b"text/trigrams@1"}


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ms(self) -> int:
        return round(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


def _beats(produced: Sequence[Produced]) -> list[tuple[str, int]]:
    """Give the modality and range of each heartbeat."""
    sketches = [CODEC.decode(p.topic, p.value or b"") for p in produced if p.topic == "embedding.sketch.v1"]
    return [(s.modality, s.range_start) for s in sketches if s.heartbeat]


def test_models_without_a_sketch_send_heartbeats() -> None:
    clock = SetClock()
    processor = EncodeProcessor(CODEC, MemoryEncoder(), clock=clock, heartbeat_s=15.0)
    sounds = ["artwork", "frames", "identity"]
    assert [m for m, _ in _beats(processor.process([message(upload(), offset=300)]))] == sounds
    clock.seconds = 10.0
    assert _beats(processor.process([message(upload(), offset=301)])) == []
    clock.seconds = 16.0
    ours = [("catalog.upload.v1", 0), ("catalog.upload.v1", 1)]
    assert _beats(processor.idle(ours)) == [(m, 256) for m in sounds]
    clock.seconds = 25.0
    assert processor.idle([]) == []
    assert _beats(processor.idle(ours)) == [("text", 256)]
    # A worker that has read nothing yet speaks as well: windows from before its start are to close.
    assert len(_beats(EncodeProcessor(CODEC, MemoryEncoder(), clock=clock).idle(ours))) == 4
    assert EncodeProcessor(CODEC, MemoryEncoder()).idle(ours) == []


class BrokenStore(MemoryFeatureStore):
    """A store whose disk is full, for a while."""

    broken = True

    def put(self, data: bytes) -> str:
        if self.broken:
            raise TransientError("disk full")
        return super().put(data)


def test_our_own_faults_pause_and_count_nothing(stage: Stage) -> None:
    store = BrokenStore()
    processor = EncodeProcessor(CODEC, MemoryEncoder(), media=stage.reader, store=store)
    batch = [message(upload(media=[stage.file("again.ogg", ogg(melody(3.0)))]))]
    with pytest.raises(TransientError):
        processor.process(batch)
    store.broken = False
    sketches = [
        CODEC.decode(p.topic, p.value or b"")
        for p in processor.process(batch)
        if p.topic == "embedding.sketch.v1"
    ]
    assert [s.count for s in sketches] == [1, 1]


class Failing(AvroCodec):
    """A codec with a bug."""

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        if topic == "catalog.upload.v1":
            raise ZeroDivisionError
        return super().decode(topic, data, part=part)


def test_a_record_that_breaks_our_code_is_refused_but_not_all_of_them() -> None:
    codec = Failing()
    processor = EncodeProcessor(codec)
    (produced,) = processor.process([message(b"\xc3\x01")])
    refused = codec.decode(produced.topic, produced.value or b"").refusal
    assert refused is not None
    assert refused.code == "encode_failed"
    with pytest.raises(FatalError):
        processor.process([message(b"\xc3\x01", offset) for offset in range(30)])


def test_media_need_a_store(stage: Stage) -> None:
    with pytest.raises(ValueError, match="feature store"):
        EncodeProcessor(CODEC, MemoryEncoder(), media=stage.reader)
