"""Pair scores are pure, symmetrical, add up, and know versions, numbers and sound."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.bundle import Bundle, Head
from streams.core.compare import compare_uploads
from streams.core.comparison import FIELDS, compare_records
from streams.core.explaining import counter_evidence, smallest_flip
from streams.core.features import featurize
from streams.core.field_levels import prepared
from streams.core.field_levels.artists import compare_artists
from streams.core.field_levels.prepared import prepare
from streams.core.field_levels.titles import compare_titles
from streams.core.records import (
    Kind,
    LinkageRecord,
    PairScore,
    Recorded,
    Release,
    SoundEvidence,
    SourceKind,
    Upload,
)
from streams.core.scoring import Scorer
from streams.core.versions import inverse_relation
from tests.unit.scored_uploads import SAME_SOUND, upload

SCORER = Scorer(Bundle.packaged())


def _score(left: Upload, right: Upload, sound: SoundEvidence | None = None) -> PairScore:
    return SCORER.score(featurize(left), featurize(right), sound)


records = st.builds(
    lambda title, artist, duration, isrc, kind: featurize(
        upload(title, artist=artist, duration_ms=duration, isrc=isrc, kind=kind)
    ),
    st.sampled_from(
        [
            "Clear Water",
            "Clear Water (Live)",
            "Clear Watr",
            "Muddy Rain",
            "Clear Water (Joe Remix)",
            "Sonata No. 1",
            "Sonata No. 2, Op. 3",
            "The Example Band - Clear Water (Official Video)",
        ]
    ),
    st.sampled_from(["The Example Band", "Other Man", None]),
    st.sampled_from([215_000, 216_000, 300_000, None]),
    st.sampled_from(["GBEMI0300013", "GBEMI0300014", None]),
    st.sampled_from(list(Kind)),
)
sounds = st.one_of(
    st.none(),
    st.just(SAME_SOUND),
    st.just(dataclasses.replace(SAME_SOUND, bit_error=0.45)),
    st.just(SoundEvidence(same_content=True)),
    st.just(dataclasses.replace(SAME_SOUND, harmony=0.7, bit_error=0.4)),
)


def test_a_remembered_score_is_the_one_that_is_added_up() -> None:
    one, other = featurize(upload("Clear Water")), featurize(upload("Slow Rain", artist="Somebody Else"))
    scorer = Scorer(Bundle.packaged())
    first, again = scorer.score(one, other), scorer.score(one, other)
    explained = scorer.explain(one, other)
    assert again is first
    assert first == Scorer(Bundle.packaged()).score(one, other)
    assert explained.recording.log_odds == first.recording.log_odds
    assert explained.recording.lines[0].left == "clear water"
    assert first.recording.lines[0].left is None


@given(records, records, sounds)
def test_scores_are_pure_symmetrical_and_add_up(
    left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None
) -> None:
    forth, back = SCORER.score(left, right, sound), SCORER.score(right, left, sound)
    assert (forth.recording, forth.work) == (back.recording, back.work)
    assert forth.cannot_link == back.cannot_link
    assert forth.relation == inverse_relation(back.relation)
    assert forth == SCORER.score(dataclasses.replace(left), dataclasses.replace(right), sound)
    explained = SCORER.explain(left, right, sound)
    for head, other in ((forth.recording, explained.recording), (forth.work, explained.work)):
        assert head.prior + sum(line.contribution for line in head.lines) == pytest.approx(
            head.log_odds, abs=1e-9
        )
        assert head.log_odds == other.log_odds


@given(records)
def test_absent_fields_are_neutral(record: LinkageRecord) -> None:
    bare = dataclasses.replace(record, duration_ms=None, isrcs=())
    names = {line.name for line in SCORER.score(record, bare).recording.lines}
    assert not names & {"duration", "isrc"}


def test_same_text_matches_and_a_stranger_does_not() -> None:
    same = _score(upload("Clear Water"), upload("Clear Water"))
    assert same.recording.log_odds >= SCORER.bundle.recording_match
    other = _score(upload("Clear Water"), upload("Muddy Rain", artist="Other Man", duration_ms=90_000))
    assert other.recording.probability < 0.01
    assert other.work.probability < 0.05
    assert any(line.level == "skipped" for line in other.recording.lines)


def test_what_is_skipped_could_not_have_made_a_review() -> None:
    # The best that the fields left out could say, beside what must hold for them to be left out. Of a track
    # number and a barcode the better levels need a place that both may have; one album of two titles is
    # `album_mates`.
    skipped = (
        "version",
        "numbers",
        "album",
        "year",
        "gtin",
        "track",
        "language",
        "explicit",
        "cover",
        "media_kind",
    )
    barred = {
        "gtin": {"same_track"},
        "track": {"same_place", "number_equal", "moved"},
        "album": {"equal"},
    }
    bundle = SCORER.bundle
    for whole, review in ((bundle.recording, bundle.recording_review), (bundle.work, bundle.work_review)):
        strata = [(whole.calibrated(name), fitted.shift) for name, fitted in whole.calibration.items()]
        for head, shift in ((whole, 0.0), *strata):

            def best(field: str, *, without: Iterable[str], head: Head = head) -> float:
                return max(
                    [0.0, *(v for level, v in head.weights.get(field, {}).items() if level not in without)]
                )

            known = head.prior + head.weight("title", "different") + head.weight("artist", "different")
            known += best("duration", without=("second", "three_seconds"))
            known += best("isrc", without=("equal", "equal_doubtful")) + best("iswc", without=("equal",))
            most = known + sum(best(field, without=barred.get(field, ())) for field in skipped)
            assert most + shift < review


@given(records, records)
def test_a_pair_that_is_not_skipped_scores_as_it_does_in_full(
    left: LinkageRecord, right: LinkageRecord
) -> None:
    staged, full = SCORER.score(left, right), Scorer(SCORER.bundle, staged=False).score(left, right)
    skipped = any(line.level == "skipped" for line in staged.recording.lines)
    assert not any(line.level == "skipped" for line in (*full.recording.lines, *full.work.lines))
    assert skipped or staged == full
    # What is compared before anything is skipped says the same.
    if skipped:
        kept = {line.name: line for line in full.recording.lines}
        shown = (line for line in staged.recording.lines if line.level != "skipped")
        assert all(kept[line.name] == line for line in shown)


@pytest.mark.parametrize(
    ("title", "relation"),
    [
        ("Clear Water (Live)", "live_version_of"),
        ("Clear Water (Joe Remix)", "remix_of"),
        ("Clear Water (Instrumental)", "instrumental_of"),
        ("Clear Water (Karaoke Version)", "karaoke_of"),
        ("Clear Water (Acoustic)", "acoustic_version_of"),
        ("Clear Water (Demo)", "demo_of"),
        ("Clear Water (Radio Edit)", "edit_of"),
        ("Clear Water (Sped Up)", "sped_up_of"),
        ("Clear Water (Slowed + Reverb)", "slowed_of"),
        ("Clear Water (Spanish Version)", "language_version_of"),
    ],
)
def test_one_sided_version_word_is_another_recording_of_the_work(title: str, relation: str) -> None:
    score = _score(upload(title), upload("Clear Water", duration_ms=200_000))
    assert score.relation == relation
    assert score.recording.log_odds < SCORER.bundle.recording_match
    assert score.work.log_odds >= SCORER.bundle.work_match


def test_one_sided_word_with_equal_length_and_artist_goes_to_review() -> None:
    score = _score(upload("Clear Water (Remix)"), upload("Clear Water"))
    assert SCORER.bundle.recording_review <= score.recording.log_odds < SCORER.bundle.recording_match


def test_incompatible_versions_and_numbers_exclude() -> None:
    assert _score(upload("Clear Water (Live)"), upload("Clear Water (Demo)")).cannot_link == (
        "version:demo|live"
    )
    score = _score(upload("Sonata, Op. 27 No. 1"), upload("Sonata, Op. 27 No. 2"))
    assert (score.cannot_link, score.work_cannot_link) == ("number:opus_number", "number:opus_number")
    assert _score(upload("Wall, Part 1"), upload("Wall")).cannot_link is None


def test_remaster_is_the_same_recording() -> None:
    score = _score(upload("Clear Water - 2011 Remaster"), upload("Clear Water"))
    assert score.recording.log_odds >= SCORER.bundle.recording_match


def test_sound_overrules_text() -> None:
    score = _score(upload("Clear Water (Live)"), upload("Muddy Rain (Remix)", artist="X"), SAME_SOUND)
    assert score.cannot_link is None
    assert score.recording.log_odds >= SCORER.bundle.recording_match
    assert score.contradiction == "heard_against_declared"


@pytest.mark.parametrize(
    ("sound", "cannot_link", "relation"),
    [
        (dataclasses.replace(SAME_SOUND, coverage_right=0.3), "sound:excerpt", "excerpt_of"),
        (dataclasses.replace(SAME_SOUND, coverage_left=0.3), "sound:excerpt", "contains"),
        (dataclasses.replace(SAME_SOUND, speed_ratio=1.2), "sound:retimed", "sped_up_of"),
        (dataclasses.replace(SAME_SOUND, speed_ratio=0.8), "sound:retimed", "has_sped_up"),
    ],
)
def test_heard_relation(sound: SoundEvidence, cannot_link: str, relation: str) -> None:
    score = _score(upload("Clear Water"), upload("Clear Water"), sound)
    assert (score.cannot_link, score.relation) == (cannot_link, relation)


def test_same_isrc_on_other_sound_is_a_contradiction() -> None:
    left = upload("Clear Water", isrc="GBEMI0300013")
    score = _score(left, left, dataclasses.replace(SAME_SOUND, bit_error=0.45))
    assert score.contradiction == "same_isrc_other_sound"
    assert score.cannot_link is not None
    assert score.recording.log_odds < SCORER.bundle.recording_match


def test_harmony_makes_a_cover_of_the_work() -> None:
    plain = _score(upload("Clear Water"), upload("Agua", artist="Other"))
    heard = _score(
        upload("Clear Water"), upload("Agua", artist="Other"), SoundEvidence(bit_error=0.45, harmony=0.8)
    )
    assert heard.work.log_odds > plain.work.log_odds + 2
    assert heard.recording.log_odds < 0


def test_video_never_links_to_a_recording() -> None:
    video = upload("The Example Band - Clear Water (Official Video)", kind=Kind.music_video)
    score = _score(video, upload("Clear Water"))
    assert (score.cannot_link, score.relation) == ("kind", "music_video_of")
    result = compare_uploads(video, upload("Clear Water"), SAME_SOUND, SCORER)
    assert result.probability.recording > 0.95
    assert result.probability.video is None


def test_compare_says_why() -> None:
    result = compare_uploads(upload("Clear Water"), upload("Clear Water (Live)"), None, SCORER)
    assert result.probability.work >= result.probability.recording
    assert result.relation == "has_live_version"
    lines = [line for line in result.evidence if line.name == "version"]
    assert {line.head for line in lines} == {"recording", "work"}
    assert lines[0].right == "live: Live"


def test_compare_says_the_same_where_that_is_more_likely_than_not() -> None:
    same = compare_uploads(upload("Clear Water"), upload("Clear Water"), None, SCORER).same
    assert (same.recording, same.work, same.video) == (True, True, None)
    live = compare_uploads(upload("Clear Water"), upload("Clear Water (Live)"), None, SCORER)
    assert live.probability.recording == 0.5  # a person would have to look
    assert (live.same.recording, live.same.work) == (False, True)
    strict = Scorer(dataclasses.replace(SCORER.bundle, compare_above=50.0))
    assert not compare_uploads(upload("Clear Water"), upload("Clear Water"), None, strict).same.recording


def test_counter_evidence_and_flip() -> None:
    head = _score(upload("Clear Water"), upload("Clear Water", duration_ms=280_000)).recording
    worst = counter_evidence(head, positive=True)
    assert worst is not None
    assert worst.name == "duration"
    head = _score(upload("Clear Water"), upload("Clear Water")).recording
    threshold = SCORER.bundle.recording_match
    flip = smallest_flip(head, threshold=threshold)
    assert flip is not None
    assert flip.to == "non_match"
    assert head.log_odds - flip.log_odds < threshold
    assert smallest_flip(head, threshold=100.0) is None


def test_a_part_of_a_title_is_told_beside_its_artist() -> None:
    one, *others = (
        featurize(upload(title, artist=artist))
        for title, artist in (
            ("Silent Garden Door", "Ana Rio"),
            ("Silent Garden Door Tonight", "Ana Rio"),
            ("Silent Garden Door Tonight", "Ben Lago"),
        )
    )
    place = FIELDS.index("title_artist")
    assert [compare_records(one, other, None).levels[place] for other in others] == ["part_both", "part_only"]


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        ("Have I Told You Lately", "Andy Williams-Have I Told You Lately (audio)", "phrase"),
        ("Misty Blue", "Bobby Vinton Misty Blue", "contained"),
        ("What a Rain", "What a Rain It Was", "short_phrase"),  # three words of nine letters
        ("Marie", "Bill Haley and his Comets marie", "word"),
        ("Silent Night, Holy Night", "Silent Night by Guy and Carolyn", "mostly"),
        ("Clear Water", "Muddy Rain", "different"),
    ],
)
def test_titles_within_titles(left: str, right: str, level: str) -> None:
    one, other = (prepare(featurize(upload(title, artist=None))) for title in (left, right))
    assert compare_titles(one, other)[0] == compare_titles(other, one)[0] == level


def test_a_place_on_an_album_is_compared_and_other_tracks_of_it_are_told_apart() -> None:
    def on(title: str, track: int | None) -> LinkageRecord:
        release = Release(title="River Songs", track_number=track)
        return featurize(dataclasses.replace(upload(title), releases=(release,)))

    def level(left: LinkageRecord, right: LinkageRecord, field: str = "track") -> str | None:
        lines = SCORER.score(left, right).recording.lines
        return next((line.level for line in lines if line.name == field), None)

    assert level(on("Clear Water", 3), on("Clear Watr", 3)) == "same_place"
    assert level(on("Clear Water", 3), on("Clear Water", 4)) == "moved"
    assert level(on("Clear Water", 3), on("Muddy Rain", 4)) == "other_place"
    assert level(on("Clear Water", 3), on("Clear Water", None)) is None
    assert level(on("Clear Water", 3), on("Clear Water", 4), "album") == "equal"
    assert level(on("Clear Water", 3), on("Muddy Rain", 4), "album") == "album_mates"
    sibling = SCORER.score(on("Clear Water", 3), on("Muddy Rain", 4))
    assert sibling.recording.log_odds < SCORER.bundle.recording_review


def test_a_part_that_one_title_alone_names_speaks_against_and_excludes_nothing() -> None:
    score = _score(upload("Clear Water at the Mill"), upload("Clear Water at the Mill, Part 2"))
    assert [line.level for line in score.recording.lines if line.name == "numbers"] == ["one_sided"]
    assert score.cannot_link is None
    told = _score(upload("Clear Water, Part 2"), upload("Clear Water, Part 2"))
    assert [line.level for line in told.recording.lines if line.name == "numbers"] == ["equal"]


def test_a_version_word_on_one_side_beside_another_isrc_is_not_asked_about() -> None:
    plain = upload("Clear Water", isrc="GBABC1000001")
    assert _decided(plain, upload("Clear Water (Live)")) == "review"
    assert _decided(plain, upload("Clear Water (Live)", isrc="GBABC1000002")) == "new"


def _decided(left: Upload, right: Upload) -> str:
    log_odds = _score(left, right).recording.log_odds
    bundle = SCORER.bundle
    if log_odds >= bundle.recording_match:
        return "match"
    return "review" if log_odds >= bundle.recording_review else "new"


def test_an_uploader_is_no_artist_and_a_title_may_name_one() -> None:
    video = dataclasses.replace(
        upload("Clear Water", artist="hans4711"), source_kind=SourceKind.video_platform
    )
    named = dataclasses.replace(video, title="clear water example band live 1999")
    song = upload("Clear Water", artist="Example Band")
    assert compare_artists(prepare(featurize(video)), prepare(featurize(song))) == "uploader_differs"
    assert compare_artists(prepare(featurize(named)), prepare(featurize(song))) == "in_title"


def test_an_isrc_older_than_its_recording_weighs_less_and_still_contradicts() -> None:
    known = upload("Clear Water", isrc="GBEMI6300013")
    doubted = dataclasses.replace(known, recorded=Recorded(date="1998"))
    level = {line.name: line.level for line in _score(known, doubted).recording.lines}
    assert level["isrc"] == "equal_doubtful"
    assert _score(known, doubted).recording.log_odds < _score(known, known).recording.log_odds
    other = _score(known, doubted, dataclasses.replace(SAME_SOUND, bit_error=0.45))
    assert (other.contradiction, other.cannot_link) == ("same_isrc_other_sound", "sound:other")


def test_what_is_prepared_is_let_go_of_with_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[int, Any] = {}
    monkeypatch.setattr(prepared, "_CACHE", held)
    stays = featurize(upload("Clear Water"))
    for revision in range(50):
        prepare(featurize(upload(f"Clear Water {revision}")))
        assert prepare(stays) is prepare(stays)
    assert len(held) == 1


def test_a_full_memo_lets_go_of_what_was_prepared_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_CACHE", {})
    monkeypatch.setattr(prepared, "_CACHE_SIZE", 8)
    records = [featurize(upload(f"Clear Water {number}")) for number in range(9)]
    first, *others = [prepare(record) for record in records]
    assert all(prepare(record) is held for record, held in zip(records[3:], others[2:], strict=True))
    assert prepare(records[0]) is not first


def test_the_ledger_names_the_versions_of_the_reading_that_was_used() -> None:
    left, right = featurize(upload("Clear Water (Remix)")), featurize(upload("Clear Water Remix Song"))
    right = dataclasses.replace(
        right, readings=(dataclasses.replace(right.readings[0], base="clear water remix"),)
    )
    scored = SCORER.explain(left, right)
    assert scored.reading_left == 1  # the words may belong to the title
    version = next(line for line in scored.recording.lines if line.name == "version")
    assert (version.level, version.left, version.right) == ("none", None, None)
    plain = SCORER.explain(left, featurize(upload("Clear Water")))
    told = next(line for line in plain.recording.lines if line.name == "version")
    assert (told.left, told.right) == ("remix: Remix", None)
