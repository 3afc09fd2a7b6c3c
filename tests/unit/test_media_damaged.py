"""Damaged media by the thousand: the decoding child may die, its parent lives, each file ends with a word."""

import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from streams.core.records import Origin
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.media_decode import MediaDecoder
from streams.errors import MediaError
from tests.unit.damaged_media import damaged, seeds

SOUND_CODES = frozenset(
    {
        "media_not_audio",
        "media_truncated",
        "media_too_long",
        "media_too_large",
        "media_image_bomb",
        "media_decoder_died",
    }
)
PICTURE_CODES = frozenset(
    {"media_not_image", "media_truncated", "media_image_bomb", "media_too_large", "media_decoder_died"}
)
# Of everything that a decoder writes in its child for one file; beyond it comes a refusal.
LIMITS = {"max_seconds": 120, "max_pixels": 1_000_000, "timeout_s": 20.0, "memory_mb": 1024}


class Counted(AttemptMarks):
    """Marks that count deaths."""

    deaths = 0

    def died(self, origin: Origin) -> bool:
        self.deaths += 1
        return super().died(origin)


class Bench:
    """A decoder and what came of each file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.marks = Counted(folder / "marks")
        self.decoder = self.started(self.marks)
        self.found: Counter[str] = Counter()
        self.by_kind: dict[str, Counter[str]] = {}
        self.slowest = 0.0

    def started(self, marks: AttemptMarks) -> MediaDecoder:
        return MediaDecoder(marks=marks, scratch=self.folder / "scratch", **LIMITS)  # type: ignore[arg-type]

    def decode(self, decoder: MediaDecoder, kind: str, data: bytes, origin: Origin) -> str:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            try:
                if kind.startswith("picture"):
                    pixels = decoder.picture(file, origin=origin)
                    assert 0 < max(pixels.shape[:2]) <= 640
                else:
                    heard = decoder.medium(file, origin=origin, pictures=2)
                    assert 0 < heard.sound.samples <= 122 * heard.sound.sr
                    heard.sound.close()
            except MediaError as exc:
                return exc.refusal_code
        return "decoded"

    def run(self, numbers: range) -> None:
        for number in numbers:
            kind, data = damaged(number)
            begun = time.monotonic()
            origin = Origin(topic="catalog.upload.v1", partition=0, offset=number)
            code = self.decode(self.decoder, kind, data, origin)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            allowed = PICTURE_CODES if kind.startswith("picture") else SOUND_CODES
            assert code in allowed | {"decoded"}, (number, kind, code)
            self.found[code] += 1
            self.by_kind.setdefault(kind, Counter())[code] += 1
            if code == "media_decoder_died":
                # Started anew, the stage knows: it does not try the same record a third time.
                again = self.started(AttemptMarks(self.folder / "marks"))
                try:
                    assert self.decode(again, kind, data, origin) == code
                    assert again._child is None
                finally:
                    again.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.decoder.close()


def check(bench: Bench, count: int) -> None:
    open_before = psutil.Process().num_fds()
    begun = time.monotonic()
    bench.run(range(count))
    seconds = time.monotonic() - begun
    bench.decoder.close()
    report = {
        "files": count,
        "seconds": round(seconds, 1),
        "slowest_s": round(bench.slowest, 2),
        "deaths": bench.marks.deaths,
        "outcomes": dict(bench.found.most_common()),
        "by_kind": {kind: dict(found) for kind, found in sorted(bench.by_kind.items())},
    }
    if path := os.environ.get("DAMAGED_MEDIA_REPORT"):
        Path(path).write_text(json.dumps(report, indent=1), encoding="utf-8")
    assert sum(bench.found.values()) == count
    # The damage must neither be harmless nor destroy everything: else nothing is tested.
    assert bench.found["decoded"] > count // 10
    assert count - bench.found["decoded"] > count // 10
    assert set(bench.by_kind) == set(seeds())
    died = bench.found["media_decoder_died"]
    assert bench.marks.deaths >= 2 * died
    assert len(list((bench.folder / "marks").iterdir())) == died
    assert list((bench.folder / "scratch").iterdir()) == []
    assert psutil.Process().num_fds() <= open_before
    assert psutil.Process().children() == []


def test_every_good_file_of_these_is_read(bench: Bench) -> None:
    for number, (kind, data) in enumerate(seeds().items()):
        origin = Origin(topic="catalog.upload.v1", partition=0, offset=number)
        code = bench.decode(bench.decoder, kind, data, origin)
        assert code == "decoded" or kind == "ape", (kind, code)


# Each of these once ended the child by an error nobody foresaw: a codec that FFmpeg does not know, a rate
# that it cannot resample, a packet of a stream that was never announced.
ONCE_DEADLY = (2117, 4813, 5693, 6501)


@pytest.mark.parametrize("number", ONCE_DEADLY)
def test_what_once_ended_the_child_is_refused(bench: Bench, number: int) -> None:
    bench.run(range(number, number + 1))
    assert bench.marks.deaths == 0


def test_two_hundred_damaged_files_end_with_a_word(bench: Bench) -> None:
    check(bench, 200)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_damaged_files_end_with_a_word(bench: Bench) -> None:
    check(bench, 2_200)
