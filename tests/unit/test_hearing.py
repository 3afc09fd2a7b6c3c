"""What is made of heard evidence: levels, relations, and what is told to whom."""

from dataclasses import replace

import pytest

from streams.core.comparison import compare_records
from streams.core.features import featurize
from streams.core.hearing import assurance, hear
from streams.core.records import Artist, HeardSpan, SoundAlignment, SoundEvidence, Upload
from streams.core.saying import contradiction_text
from streams.core.sound_evidence import compared_span, compared_spans, mirrored
from streams.core.versions import inverse_relation

WHOLE = HeardSpan(start_ms=0, end_ms=200_000, other_start_ms=0, other_end_ms=200_000, agreement=0.8)
ALIGNED = SoundAlignment(
    spans=(WHOLE,),
    speed_ratio=1.0,
    pitch_cents=0.0,
    pitch_tied=True,
    coverage_left=1.0,
    coverage_right=1.0,
    longest_left=1.0,
    longest_right=1.0,
    log_odds=900.0,
)
PIECES = {"longest_left": 0.6, "longest_right": 0.6}
COPY = SoundEvidence(bit_error=0.05, offset_ms=0, overlap_ms=200_000, start_ms=0, speed_ratio=1.0)
OTHER = SoundEvidence(bit_error=0.45, offset_ms=0, overlap_ms=200_000, start_ms=0, speed_ratio=1.0)


def upload(title: str, *versions: str, item: str = "1") -> Upload:
    return Upload(
        source="s",
        item_id=item,
        title=title,
        version_types=versions,
        artists=(Artist(name="The Example Band", role="main"),),
        duration_ms=200_000,
    )


def span(start: int, end: int, other: int) -> HeardSpan:
    return HeardSpan(
        start_ms=start, end_ms=end, other_start_ms=other, other_end_ms=other + end - start, agreement=0.7
    )


@pytest.mark.parametrize(
    ("sound", "changes", "level", "relation"),
    [
        (COPY, {}, "same_master", None),
        (COPY, {"coverage_right": 0.2, "longest_right": 0.2}, "excerpt", "excerpt_of"),
        (COPY, {"coverage_left": 0.2, "longest_left": 0.2}, "excerpt", "contains"),
        (COPY, {"spans": (span(0, 60_000, 0), span(60_000, 150_000, 90_000)), **PIECES}, "part", "edit_of"),
        (
            COPY,
            {"spans": (span(0, 60_000, 0), span(90_000, 150_000, 60_000)), "coverage_left": 0.8, **PIECES},
            "part",
            "has_edit",
        ),
        (COPY, {"spans": (WHOLE, span(0, 9_000, 99_000))}, "same_master", None),
        (COPY, {"coverage_left": 0.1, "coverage_right": 0.2}, "shares", "shares_material_with"),
        (OTHER, {"coverage_left": 0.1, "coverage_right": 0.2}, "shares", "shares_material_with"),
        (OTHER, {"speed_ratio": 1.02, "pitch_cents": 34.3}, "speed", None),
        (OTHER, {"speed_ratio": 1.06, "pitch_cents": 100.9}, "retimed", "sped_up_of"),
        (OTHER, {"speed_ratio": 0.8, "pitch_cents": -386.3}, "retimed", "has_sped_up"),
        (OTHER, {"speed_ratio": 1.02, "pitch_tied": False}, "retimed", "sped_up_of"),
        (OTHER, {"pitch_cents": -200.0, "pitch_tied": False}, "retimed", "has_derived"),
    ],
)
def test_what_is_heard(
    sound: SoundEvidence, changes: dict[str, object], level: str, relation: str | None
) -> None:
    fields = {name: getattr(ALIGNED, name) for name in ALIGNED.__struct_fields__} | changes
    heard = replace(sound, alignment=SoundAlignment(**fields))
    assert hear(heard) == (level, relation)
    back = hear(mirrored(heard))
    assert back.level == level
    assert back.relation == inverse_relation(relation)


def test_a_piece_in_one_place_is_an_excerpt_though_the_music_repeats_itself() -> None:
    repeats = replace(ALIGNED, coverage_right=0.2, longest_left=0.5, longest_right=0.1)
    piece = replace(COPY, coverage_left=1.0, coverage_right=0.2, alignment=repeats)
    assert hear(piece) == ("excerpt", "excerpt_of")
    assert hear(mirrored(piece)) == ("excerpt", "contains")
    assert hear(replace(piece, coverage_left=0.5, coverage_right=0.1)).level == "part"


@pytest.mark.parametrize(
    ("changes", "enough"),
    [
        ({"speed_ratio": 1.06, "pitch_cents": 100.9}, 45.0),
        ({"speed_ratio": 1.02, "pitch_cents": 34.3}, 45.0),
        # At one speed and pitch the fingerprint should have heard it.
        ({"coverage_right": 0.2, "longest_right": 0.2}, 65.0),
    ],
)
def test_points_alone_must_be_worth_more_to_tell_what_a_piece_is(
    changes: dict[str, float], enough: float
) -> None:
    doubtful = replace(COPY, bit_error=0.27)
    for log_odds, said in ((enough - 12.0, False), (enough, True)):
        fields = {name: getattr(ALIGNED, name) for name in ALIGNED.__struct_fields__} | changes
        heard = hear(replace(doubtful, alignment=SoundAlignment(**fields | {"log_odds": log_odds})))
        assert (heard.level != "doubtful") is said


def test_a_copy_whose_points_are_mostly_missed_is_a_copy() -> None:
    few = replace(ALIGNED, spans=(span(0, 20_000, 0),), coverage_left=0.1, coverage_right=0.1)
    whole = replace(COPY, coverage_left=0.95, coverage_right=0.94)
    assert hear(replace(whole, alignment=few)).level == "same_master"
    # A loop: the fingerprint hears no more of it than the points.
    part = replace(COPY, overlap_ms=20_000, coverage_left=0.1, coverage_right=0.1)
    assert hear(replace(part, alignment=few)).level == "shares"


def test_noise_makes_a_copy_doubtful_and_not_a_sample() -> None:
    noisy = replace(COPY, bit_error=0.26, alignment=ALIGNED)
    assert hear(noisy).level == "doubtful"


def test_an_alignment_is_told_alike_from_both_sides() -> None:
    heard = replace(
        COPY,
        alignment=replace(ALIGNED, speed_ratio=1.25, pitch_cents=386.0, spans=(WHOLE, span(0, 9_000, 4_000))),
    )
    assert mirrored(mirrored(heard)).alignment == heard.alignment
    assert [each.other_start_ms for each in compared_spans(mirrored(heard))] == [0, 0]
    longest = compared_span(heard)
    assert longest is not None
    assert longest.end_ms == 200_000


def test_more_in_common_is_surer() -> None:
    weak, strong = (
        assurance(replace(COPY, alignment=replace(ALIGNED, log_odds=odds))) or 0.0 for odds in (20.0, 40.0)
    )
    assert 0.5 < weak < strong < 1.0
    assert assurance(COPY) is None


def test_who_says_slowed_is_the_one_that_was_slowed() -> None:
    slow = replace(OTHER, alignment=replace(ALIGNED, speed_ratio=0.8, pitch_cents=-386.3))
    plain, slowed = featurize(upload("Clear Water")), featurize(upload("Clear Water", "Slowed"))
    told = compare_records(slowed, plain, slow)
    assert (told.relation, told.contradiction) == ("slowed_of", None)
    back = compare_records(plain, slowed, mirrored(slow))
    assert (back.relation, back.contradiction) == ("has_slowed", None)
    silent = compare_records(plain, plain, slow)
    assert (silent.relation, silent.contradiction) == ("has_sped_up", "heard_against_declared")


def test_a_contradiction_says_what_was_heard() -> None:
    fast = replace(OTHER, alignment=replace(ALIGNED, speed_ratio=1.25, pitch_cents=386.3))
    said = contradiction_text("heard_against_declared", "original", "label/a-1", fast)
    assert said == "declared original; is 1.25x speed and +3.9 semitones of label/a-1"
    same = contradiction_text("heard_against_declared", "live", "label/a-1", replace(COPY, alignment=ALIGNED))
    assert same == "declared live; sounds the same as label/a-1"


def test_the_same_harmony_by_others_is_another_version() -> None:
    heard = replace(OTHER, harmony=0.9)
    told = compare_records(featurize(upload("Clear Water")), featurize(upload("Agua Clara")), heard)
    assert told.relation == "other_version_of"
    assert inverse_relation(told.relation) == told.relation


LOOP = span(30_000, 36_000, 10_000)
LOOPED = (LOOP, span(36_000, 42_000, 10_000))
BOTH_LOOP = (*LOOPED, span(36_000, 42_000, 50_000))


def in_common(*spans: HeardSpan) -> SoundEvidence:
    little = replace(ALIGNED, coverage_left=0.05, coverage_right=0.05, longest_left=0.05, longest_right=0.05)
    return replace(OTHER, alignment=replace(little, spans=spans, log_odds=60.0))


@pytest.mark.parametrize(
    ("spans", "years", "relation"),
    [
        ((LOOP,), (2004, 1979), "samples"),
        (LOOPED, (2004, 1979), "samples"),
        ((LOOP,), (1979, 2004), "sampled_by"),
        ((LOOP,), (1979, 1979), "shares_material_with"),
        ((LOOP,), (None, 1979), "shares_material_with"),
        (BOTH_LOOP, (2004, 1979), "shares_material_with"),
        # The later one holds it once, the earlier one repeats it.
        (LOOPED, (1979, 2004), "shares_material_with"),
    ],
)
def test_the_later_one_samples_what_the_earlier_one_holds_once(
    spans: tuple[HeardSpan, ...], years: tuple[int | None, int | None], relation: str
) -> None:
    left, right = (
        replace(featurize(upload(title)), year=year)
        for title, year in zip(("Clear Water", "Muddy Feet"), years, strict=True)
    )
    sound = in_common(*spans)
    told = compare_records(left, right, sound)
    assert (told.relation, told.cannot_link) == (relation, "sound:shares")
    assert compare_records(right, left, mirrored(sound)).relation == inverse_relation(relation)


@pytest.mark.parametrize(
    ("title", "word", "relation"),
    [
        ("Muddy Feet", "Mashup", "mashup_of"),
        ("Muddy Feet", "Medley", "medley_of"),
        ("Muddy Feet", "Remix", "shares_material_with"),
        ("Clear Water", "Remix", "remix_of"),
        ("Clear Water", "Instrumental", "instrumental_of"),
        ("Clear Water", "Live", "shares_material_with"),
    ],
)
def test_a_version_word_says_what_the_parts_in_common_are(title: str, word: str, relation: str) -> None:
    made, plain = featurize(upload(title, word)), featurize(upload("Clear Water"))
    sound = in_common(LOOP)
    assert compare_records(made, plain, sound).relation == relation
    assert compare_records(plain, made, mirrored(sound)).relation == inverse_relation(relation)
