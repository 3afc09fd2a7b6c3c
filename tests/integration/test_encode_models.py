"""The encode stage with the real models and real decoding."""

import gc
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import psutil
import pytest

from encoders.build import FRAME_CARD, card_path, default_models_dir
from encoders.cards import EncoderCard
from streams.core.records import EncodedUpload, Media, Origin
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.avro import AvroCodec
from streams.edges.clock import SystemClock
from streams.edges.encoder import BundleEncoder
from streams.edges.feature_files import FileFeatureStore
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_fetch import MediaFetcher
from streams.edges.media_https import HttpsDownload
from streams.edges.media_reader import LimitedMediaReader
from streams.edges.media_sound import HeldSound
from streams.edges.sound_comparison import FeatureConfirmer
from streams.errors import EncoderMismatch, MediaError
from streams.ports import Message
from streams.stages.encode import EncodeProcessor
from tests.unit.media_files import RATE, encoded, melody, ogg, video, wav
from tests.unit.toy_model import graph

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def encoder() -> BundleEncoder:
    return BundleEncoder.load()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[LimitedMediaReader]:
    clock = SystemClock()
    decoder = MediaDecoder(
        marks=AttemptMarks(tmp_path / "marks"),
        scratch=tmp_path / "scratch",
        max_seconds=3600,
        max_pixels=10_000_000,
        timeout_s=60,
        memory_mb=1536,
    )
    download = HttpsDownload(allowed_hosts=(), max_bytes=10**8, timeout_s=5, clock=clock)
    made = LimitedMediaReader(
        MediaFetcher(
            roots=lambda: (tmp_path,),
            download=download,
            max_bytes=10**8,
            scratch=tmp_path / "scratch",
            clock=clock,
        ),
        decoder,
    )
    yield made
    made.close()


def test_a_reencoded_copy_is_confirmed_and_a_stranger_is_not(
    encoder: BundleEncoder, reader: LimitedMediaReader, tmp_path: Path
) -> None:
    store = FileFeatureStore(tmp_path / "features")
    codec = AvroCodec()
    processor = EncodeProcessor(codec, encoder, media=reader, store=store)
    song = melody(30.0, seed=1)
    files = {
        "song.flac": encoded(song, container="flac", codec="flac"),
        "song.wav": wav(song),
        "copy.mp3": encoded(song, container="mp3", codec="libmp3lame", rate=44_100),
        "part.ogg": ogg(song[8 * RATE :]),
        "other.ogg": ogg(melody(30.0, seed=9)),
        "film.mp4": video(12, y=song[: 12 * RATE]),
    }
    batch = []
    for offset, (name, data) in enumerate(files.items()):
        (tmp_path / name).write_bytes(data)
        role = "video" if name.endswith("mp4") else "audio"
        body = {
            "source": "label-a",
            "item_id": name,
            "kind": "music_video" if role == "video" else "recording",
            "title": f"Song {name}",
            "media": [{"role": role, "uri": (tmp_path / name).as_uri()}],
        }
        batch.append(
            Message(topic="catalog.upload.v1", partition=0, offset=offset, key=b"k", value=orjson.dumps(body))
        )
    produced = [p for p in processor.process(batch) if p.topic == "upload.encoded.v1"]
    found: dict[str, EncodedUpload] = {
        name: codec.decode(p.topic, p.value or b"") for name, p in zip(files, produced, strict=True)
    }
    assert all(each.refusal is None for each in found.values())
    modalities = {row.modality for row in found["film.mp4"].vectors}
    assert {"text", "identity", "version"} <= modalities
    for row in found["song.flac"].vectors:
        assert abs(float(np.linalg.norm(np.frombuffer(row.values, "<f2").astype(np.float32))) - 1.0) < 2e-3

    confirmer = FeatureConfirmer(store)
    sounds = {name: each.sound for name, each in found.items() if each.sound is not None}
    assert len(sounds) == len(files)
    assert confirmer.confirm(sounds["song.flac"], sounds["song.wav"]).same_content
    copy = confirmer.confirm(sounds["song.flac"], sounds["copy.mp3"])
    assert copy.bit_error is not None
    assert copy.bit_error < 0.15
    assert copy.windows is not None
    assert copy.windows > 0.9
    part = confirmer.confirm(sounds["song.flac"], sounds["part.ogg"])
    assert part.offset_ms is not None
    assert abs(part.offset_ms - 8000) <= 250
    other = confirmer.confirm(sounds["song.flac"], sounds["other.ogg"])
    assert other.bit_error is not None
    assert other.bit_error > 0.25


def test_silence_and_scraps_are_refused(encoder: BundleEncoder) -> None:
    for y, code in (
        (np.zeros(RATE * 5, dtype=np.float32), "media_silent"),
        (np.zeros(0, dtype=np.float32), "media_silent"),
        (melody(0.2), "media_too_short"),
    ):
        with pytest.raises(MediaError) as caught:
            encoder.encode_sound(HeldSound.of(y, sr=RATE))
        assert caught.value.refusal_code == code


@pytest.mark.slow
def test_memory_stays_flat_over_two_thousand_calls(
    encoder: BundleEncoder, reader: LimitedMediaReader, tmp_path: Path
) -> None:
    (tmp_path / "a.ogg").write_bytes(ogg(melody(4.0)))

    media = Media(role="audio", uri=(tmp_path / "a.ogg").as_uri())
    process = psutil.Process()

    def hear(first: int, end: int) -> int:
        for number in range(first, end):
            origin = Origin(topic="t", partition=0, offset=number)
            medium = reader.medium(media, origin=origin)
            encoder.encode_sound(medium.sound)
            encoder.encode_texts([f"title number {number % 300}"])
        gc.collect()
        return int(process.memory_info().rss)

    warm = hear(0, 300)
    assert hear(300, 2000) < warm + 40 * 1024 * 1024


@pytest.mark.parametrize(
    ("weight", "card"), [(float("nan"), True), (1.0, False)], ids=["gives no numbers", "another digest"]
)
def test_a_model_that_is_not_its_cards_stops_the_start(tmp_path: Path, weight: float, card: bool) -> None:
    for path in default_models_dir().iterdir():
        (tmp_path / path.name).symlink_to(path)
    described = EncoderCard.load(card_path(tmp_path, FRAME_CARD))
    changed = graph(weight, name=described.inputs[0].name)
    (tmp_path / described.file).unlink()
    (tmp_path / described.file).write_bytes(changed)
    if card:
        described = replace(described, sha256=hashlib.sha256(changed).hexdigest())
        card_path(tmp_path, FRAME_CARD).unlink()
        card_path(tmp_path, FRAME_CARD).write_text(described.to_json())
    with pytest.raises(EncoderMismatch):
        BundleEncoder.load(tmp_path)
