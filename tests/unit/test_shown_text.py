"""Words in the pictures of videos: read where that can be done, told in the ledger, weighing nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from streams.cli import checks
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.records import Artist, Kind, LinkageRecord, ShownText, Upload
from streams.core.scoring import Scorer
from streams.core.shown import compare_shown
from streams.edges import title_cards
from streams.edges.memory_encoder import MemoryEncoder
from streams.edges.title_cards import TesseractReader
from streams.stages.encode import EncodeProcessor
from tests.unit.media_files import melody, video
from tests.unit.test_encode_stage import CODEC, Stage, only, upload

Pixels = NDArray[np.uint8]


def record(*lines: str, title: str = "Untitled", artist: str = "Somebody") -> LinkageRecord:
    made = featurize(
        Upload(source="s", item_id="x", kind=Kind.music_video, title=title, artists=(Artist(name=artist),))
    )
    shown = ShownText(reader="r@1", starts_ms=tuple(range(len(lines))), lines=lines) if lines else None
    return replace(made, shown=shown)


SONG = record(title="Clear Water", artist="Beyoncé Example")


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        (("BEYONCE EXAMPLE", '"Clear Water"', "Blue Records"), "title_and_artist"),
        (("Clear Watcr",), "title"),  # a letter misread
        (("Beyoncé", "Example", "in concert"), "artist"),
        (("Muddy Rivers",), "neither"),
        (("Clearwaters of the north",), "neither"),
        ((), "absent"),
    ],
)
def test_names_of_the_other_side_are_looked_for(lines: tuple[str, ...], level: str) -> None:
    shown = record(*lines)
    assert compare_shown(shown, SONG) == compare_shown(SONG, shown) == level


def test_short_names_are_not_looked_for() -> None:
    assert compare_shown(record("you and me"), record(title="Me", artist="You")) == "absent"


def test_of_two_that_show_words_the_more_telling_side_counts() -> None:
    silent = record("Nothing of it", title="Clear Water")
    telling = record("Clear Water", title="Upload 7")
    assert compare_shown(silent, telling) == compare_shown(telling, silent) == "title"


def test_the_ledger_shows_the_words_and_they_weigh_nothing() -> None:
    scorer = Scorer(Bundle.packaged())
    bare, shown = record(), record("Clear Water", "Beyoncé Example")
    without, found = scorer.explain(bare, SONG), scorer.explain(shown, SONG)
    (line,) = (line for line in found.recording.lines if line.name == "shown")
    assert (line.level, line.contribution, line.left) == (
        "title_and_artist",
        0.0,
        "Clear Water, Beyoncé Example",
    )
    assert found.recording.log_odds == without.recording.log_odds
    assert found.work.log_odds == without.work.log_odds
    assert not any(line.name == "shown" for line in without.recording.lines)


class Reader:
    """Reads one line in every picture, and in the first one another."""

    name = "reader@1"

    def __init__(self) -> None:
        self.asked = 0

    def lines(self, image: Pixels) -> tuple[str, ...]:
        self.asked += 1
        return ("The Example Band", "Clear Water") if self.asked == 1 else ("The Example Band",)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("shown"))
    yield made
    made.reader.close()


def test_words_of_the_first_and_last_pictures_travel_with_their_source(stage: Stage) -> None:
    reader = Reader()
    stage.processor = EncodeProcessor(
        CODEC, MemoryEncoder(), media=stage.reader, reader=reader, store=stage.store
    )
    film = stage.file("v.mp4", video(10, y=melody(10.0))) | {"role": "video"}
    encoded = only(stage, upload(kind="music_video", media=[film]))
    assert encoded.record is not None
    shown, pictures = encoded.record.shown, encoded.record.pictures
    assert shown is not None
    assert pictures is not None
    assert shown.reader == "reader@1"
    assert shown.lines == ("The Example Band", "Clear Water")
    assert shown.starts_ms == (pictures.starts_ms[0],) * 2
    assert reader.asked == 5 < len(pictures.starts_ms)


def test_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    found = checks.check_title_cards()
    assert (found.state, found.found) == (checks.State.note, "not read: tesseract is not installed")
    assert TesseractReader.installed() is None
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    fix = checks.check_title_cards().fix
    assert fix is not None
    assert "samesong[ocr]" in fix


@pytest.mark.skipif(title_cards.missing() is not None, reason=f"{title_cards.missing()} is not installed")
def test_tesseract_reads_a_title_card_and_nothing_where_nothing_is_written() -> None:
    reader = TesseractReader.installed()
    assert reader is not None
    assert reader.name.startswith("tesseract@")
    assert checks.check_title_cards().found == f"read by {reader.name}"
    card = Image.new("RGB", (640, 360), (20, 30, 60))
    draw, font = ImageDraw.Draw(card), ImageFont.load_default(28)
    draw.text((40, 250), "The Example Band", font=font, fill=(255, 255, 255))
    draw.text((40, 300), "Clear Water", font=font, fill=(255, 255, 255))
    lines = reader.lines(np.asarray(card, dtype=np.uint8))
    assert lines == ("The Example Band", "Clear Water")
    noise = np.random.default_rng(1).integers(0, 255, (90, 160, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(noise).resize((640, 360)), dtype=np.uint8)
    assert reader.lines(large) == ()


def test_a_reader_that_fails_reads_nothing(tmp_path: Path) -> None:
    class Binding:
        class Output:
            DICT = "dict"

        @staticmethod
        def get_tesseract_version() -> str:
            return "0"

        @staticmethod
        def image_to_data(*_: object, **__: object) -> dict[str, list[object]]:
            raise RuntimeError("Tesseract process timeout")

    assert TesseractReader(Binding).lines(np.zeros((8, 8, 3), dtype=np.uint8)) == ()  # type: ignore[arg-type]
