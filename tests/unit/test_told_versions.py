"""What senders write behind a title, and what two titles of one artist share that is no title."""

import pytest

from streams.core.comparison import compare_records
from streams.core.features import featurize
from streams.core.records import Artist, LinkageRecord, SourceKind, Upload, Video
from streams.core.titles import read_title


def _video(title: str, channel: str | None = None) -> LinkageRecord:
    return featurize(
        Upload(
            source="tube",
            item_id=title,
            source_kind=SourceKind.video_platform,
            title=title,
            video=Video(channel=channel) if channel else None,
        )
    )


def _track(title: str, artist: str) -> LinkageRecord:
    return featurize(
        Upload(
            source="label",
            item_id=title,
            source_kind=SourceKind.label_feed,
            title=title,
            artists=(Artist(name=artist),),
        )
    )


def _level(left: LinkageRecord, right: LinkageRecord, field: int) -> str:
    return compare_records(left, right, None).levels[field]


TITLE, ARTIST, VERSION = 0, 1, 3


def test_two_songs_of_one_artist_do_not_agree_in_the_artists_name() -> None:
    one, other = _video("The Paper Owls - Hollow Rain"), _video("The Paper Owls - Copper Morning")
    assert _level(one, other, TITLE) in {"different", "some"}
    assert _level(other, one, TITLE) == _level(one, other, TITLE)


def test_a_title_written_before_its_artist_is_still_found() -> None:
    assert _level(_video("Hollow Rain - The Paper Owls"), _track("Hollow Rain", "The Paper Owls"), TITLE) in {
        "exact",
        "exact_short",
    }


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Hollow Rain (AI Cover)", "ai_voice"),
        ("Hollow Rain [Kessler AI Voice]", "ai_voice"),
        ("Hollow Rain (voz IA)", "ai_voice"),
        ("Hollow Rain (KI-Cover)", "ai_voice"),
        ("Hollow Rain (AI 커버)", "ai_voice"),
        ("Hollow Rain (Cover)", "cover"),
        ("Hollow Rain (Snippet)", "excerpt"),
        ("Hollow Rain (Auszug)", "excerpt"),
    ],
)
def test_a_voice_made_by_machine_and_a_part_are_typed(title: str, kind: str) -> None:
    reading = read_title(title)[0]
    assert [part.type for part in reading.versions] == [kind]
    assert reading.base == "hollow rain"


def test_two_words_for_a_voice_made_by_machine_are_one_recording() -> None:
    one, other = _track("Hollow Rain (AI Cover)", "Owls"), _track("Hollow Rain (Kessler AI Voice)", "Owls")
    assert compare_records(one, other, None).cannot_link is None
    assert _level(one, other, VERSION) == "equal_vague"
    assert _level(one, _track("Hollow Rain", "Owls"), VERSION) == "one_sided"


@pytest.mark.parametrize(
    "tail",
    [
        "Mixed by Nadia Volt",
        "Kessler Mashup",
        "A Tribute to Nadia Volt",
        "Remezcla de Nadia Volt",
        "Nadia Volt Cover",
        "Nadia Volt's Version",
        "Spatial Audio",
        "AI Cover",
    ],
)
def test_a_third_segment_that_names_a_version_is_no_title(tail: str) -> None:
    for channel in (None, "The Paper Owls - Topic", "Lost Tapes"):
        reading = _video(f"The Paper Owls - Hollow Rain - {tail}", channel).readings[0]
        assert (reading.base, reading.artist) == ("hollow rain", "paper owls")
        assert reading.versions
    beside = _track(f"Hollow Rain - {tail}", "The Paper Owls").readings[0]
    assert beside.base == "hollow rain"
    assert beside.versions


@pytest.mark.parametrize("title", ["Live Forever", "Cover Me", "Demo Days"])
def test_a_second_segment_may_be_a_title_of_such_words(title: str) -> None:
    assert _video(f"The Paper Owls - {title}").readings[0].base == title.lower()


def test_dolby_atmos_and_spatial_audio_are_one_mix() -> None:
    one, other = _track("Hollow Rain (Dolby Atmos)", "Owls"), _track("Hollow Rain (Spatial Audio)", "Owls")
    assert compare_records(one, other, None).cannot_link is None


def test_a_channel_is_the_artist_where_the_title_says_so() -> None:
    label = _track("Hollow Rain", "Ida Quill")
    assert (
        _level(_video("The Paper Owls - Hollow Rain", "The Paper Owls Official"), label, ARTIST)
        == "different"
    )
    assert _level(_video("Hollow Rain", "lost tapes 77"), label, ARTIST) == "uploader_differs"


def test_signs_that_a_file_name_lost_are_read() -> None:
    reading = read_title("Cold Morning   Remix  ", artist="The Paper Owls")[0]
    assert (reading.base, [part.type for part in reading.versions]) == ("cold morning", ["remix"])
    assert read_title("It  s Late", artist="The Paper Owls")[0].base == "its late"
    assert read_title("Two  Spaces", artist="The Paper Owls")[0].base == "two spaces"
