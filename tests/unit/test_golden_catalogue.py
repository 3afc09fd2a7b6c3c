"""The golden catalogue: the same bytes for a seed, every row and language, and a truth that can be true."""

import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from streams.core.features import featurize
from streams.core.identifiers import read_isrc, read_iswc
from streams.core.records import Kind
from streams.core.upload_json import parse_upload, upload_line
from streams.evaluation.golden.catalogue import SONGS, digest, golden_catalogue
from streams.evaluation.golden.chance import Chance
from streams.evaluation.golden.senders import mistyped
from streams.evaluation.golden.takes import CLASSICAL, ORIGINAL
from streams.evaluation.golden.versions import ROWS
from streams.evaluation.golden.words import languages

DIGEST = "fa6db74152a7f310aa2a806dd153bc78a5019f630157e29cd54ef16f7199645e"
CATALOGUE = golden_catalogue()
TAGS = Counter(tag for each in CATALOGUE.uploads for tag in each.tags)


def test_a_seed_gives_the_same_bytes() -> None:
    """A change of this digest makes figures of before and after another thing: say so in the changelog."""
    assert digest(CATALOGUE) == DIGEST


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "from streams.evaluation.golden.catalogue import digest, golden_catalogue;"
        "print(digest(golden_catalogue()))"
    )
    said = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert said.stdout.strip() == DIGEST


def test_another_seed_gives_another_catalogue() -> None:
    assert digest(golden_catalogue(seed=2, songs=24)) != digest(golden_catalogue(seed=1, songs=24))


def test_every_row_and_every_language_is_there_more_than_once() -> None:
    assert {f"row:{row}" for row in (*ROWS, ORIGINAL, CLASSICAL)} <= TAGS.keys()
    assert min(TAGS[f"row:{row}"] for row in ROWS) >= 20
    assert len(languages()) == 11
    assert min(TAGS[f"language:{language.code}"] for language in languages()) >= 100


NOISES = (
    "capitals small_letters typo artist_in_title no_duration no_album no_isrc wrong_isrc feature_moved "
    "remaster_year second_off video_title compilation latin_name sort_name one_sided word_added"
).split()


@pytest.mark.parametrize("noise", NOISES)
def test_senders_make_every_mistake(noise: str) -> None:
    assert TAGS[f"noise:{noise}"] >= 4


def test_what_is_sent_is_a_valid_upload() -> None:
    for each in CATALOGUE.uploads:
        assert parse_upload(upload_line(each.upload)) == each.upload
    keys = [each.upload.key for each in CATALOGUE.uploads]
    assert len(set(keys)) == len(keys)
    for each in CATALOGUE.uploads:
        assert all(read_isrc(text).value for text in each.upload.identifiers.isrc)
        assert all(read_iswc(work.iswc or "").value for work in each.upload.works)


def test_a_recording_is_of_one_work_and_heard_in_videos_of_that_work() -> None:
    works: dict[str, set[str | None]] = defaultdict(set)
    for each in CATALOGUE.uploads:
        assert each.recording is not None
        works[each.recording].add(each.work)
        if each.sounds is not None:
            assert each.upload.kind is Kind.music_video
            assert each.sounds != each.recording
    assert all(len(found) == 1 for found in works.values())


def test_two_songs_are_never_told_in_the_same_words() -> None:
    """Same title, same artist and another work is what nobody could tell apart."""
    works: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for each in CATALOGUE.uploads:
        upload = each.upload
        if f"row:{ORIGINAL}" in each.tags and upload.artists and not any("noise" in tag for tag in each.tags):
            works[upload.title or "", upload.artists[0].name].add(each.work)
    assert all(len(found) == 1 for found in works.values())


def test_typing_errors_leave_numbers_and_short_words_alone() -> None:
    chance = Chance("typing")
    for _ in range(50):
        typed = mistyped("Sonata No. 12 in C minor", chance)
        assert "12" in typed
        assert typed != "Sonata No. 12 in C minor"
    assert mistyped("夜の窓", chance) == "夜の窓"


def test_chance_draws_what_it_says() -> None:
    chance = Chance("seed")
    drawn = [chance.between(1, 3) for _ in range(300)]
    assert set(drawn) == {1, 2, 3}
    assert sorted(chance.shuffled(range(20))) == list(range(20))
    assert 200 < sum(chance.roll(0.8) for _ in range(300)) < 280
    assert all(2.0 <= chance.factor(2.0, 3.0) < 3.0 for _ in range(50))


def test_its_words_can_be_read_by_the_parser() -> None:
    for each in CATALOGUE.uploads:
        assert featurize(each.upload).readings, each.upload.title
    assert len(CATALOGUE.uploads) > 8 * SONGS
