"""What becomes of two uploads that differ in their version words: match, new with a relation, or review."""

import dataclasses
from typing import Any, NamedTuple

import pytest

from streams.core.bundle import Bundle
from streams.core.comparison import FIELDS, compare_records
from streams.core.features import featurize
from streams.core.records import (
    Artist,
    Declared,
    Identifiers,
    LinkageRecord,
    PairScore,
    Release,
    SoundEvidence,
    Upload,
    VersionPart,
)
from streams.core.scoring import Scorer
from streams.core.versions import (
    details_conflict,
    exclude_each_other,
    inverse_relation,
    read_version,
    relation_between,
)

SCORER = Scorer(Bundle.packaged())
SAME = SoundEvidence(
    bit_error=0.05,
    offset_ms=0,
    overlap_ms=200_000,
    coverage_left=0.99,
    coverage_right=0.98,
    speed_ratio=1.0,
)
PLAIN: dict[str, Any] = {"title": "Clear Water"}


def _record(
    title: str = "Clear Water",
    *,
    artist: str = "The Example Band",
    duration_ms: int | None = 215_000,
    isrc: str | None = None,
    mbid: str | None = None,
    album: str | None = None,
    **more: Any,
) -> LinkageRecord:
    return featurize(
        Upload(
            source="s",
            item_id=title,
            title=title,
            artists=(Artist(name=artist),),
            duration_ms=duration_ms,
            identifiers=Identifiers(isrc=(isrc,) if isrc else (), mbid=mbid),
            releases=(Release(title=album, date="2005", track_number=3),) if album else (),
            **more,
        )
    )


def _outcome(score: PairScore) -> str:
    """Say what the arbiter says of an upload with this one candidate."""
    if score.cannot_link is None and score.recording.log_odds >= SCORER.bundle.recording_match:
        return "match"
    if score.cannot_link is None and score.recording.log_odds >= SCORER.bundle.recording_review:
        return "review"
    return "new"


class Case(NamedTuple):
    left: dict[str, Any]
    right: dict[str, Any]
    outcome: str
    relation: str | None = None


def _titled(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, **more}


MBID = "0408655f-189f-371b-9c41-ec861e1a7810"
ALBUM: dict[str, Any] = {"album": "River Songs"}
STUDIO: dict[str, Any] = {"version_types": ("Album",)}
CASES = {
    # What leaves the recording as it is.
    "nothing said": Case(PLAIN, PLAIN, "match"),
    "remaster": Case(_titled("Clear Water - 2011 Remaster"), PLAIN, "match"),
    "remaster, Japanese": Case(_titled("Clear Water (リマスター)"), PLAIN, "match"),
    "remaster, Spanish": Case(_titled("Clear Water (Remasterizado 2009)"), PLAIN, "match"),
    "mono against stereo": Case(_titled("Clear Water (Mono)"), _titled("Clear Water (Stereo)"), "match"),
    "explicit": Case(_titled("Clear Water (Explicit)"), PLAIN, "match"),
    "album version": Case(_titled("Clear Water (Album Version)"), PLAIN, "match"),
    "album version, explicit": Case(_titled("Clear Water (Explicit)"), {**PLAIN, **STUDIO}, "match"),
    "noise": Case(_titled("Clear Water (Official Video) [HD]"), PLAIN, "match"),
    # One side only, same artist, lengths within a second, nothing heard: a person looks.
    "live": Case(_titled("Clear Water (Live)"), PLAIN, "review", "live_version_of"),
    "live in a field of its own": Case(
        {**PLAIN, "version": "Live at the Old Mill", "version_types": ("Live",)},
        PLAIN,
        "review",
        "live_version_of",
    ),
    "live, told from the other side": Case(
        PLAIN, _titled("Clear Water (Live)"), "review", "has_live_version"
    ),
    "live, Portuguese": Case(_titled("Clear Water - Ao Vivo"), PLAIN, "review", "live_version_of"),
    "live, Korean": Case(_titled("Clear Water (라이브)"), PLAIN, "review", "live_version_of"),
    "remix": Case(_titled("Clear Water (Joe Remix)"), PLAIN, "review", "remix_of"),
    "acoustic, French": Case(_titled("Clear Water (Acoustique)"), PLAIN, "review", "acoustic_version_of"),
    "karaoke, Japanese": Case(_titled("Clear Water (カラオケ)"), PLAIN, "review", "karaoke_of"),
    "instrumental, Chinese": Case(_titled("Clear Water (伴奏)"), PLAIN, "review", "instrumental_of"),
    "sped up": Case(_titled("Clear Water (Sped Up)"), PLAIN, "review", "sped_up_of"),
    "radio edit": Case(_titled("Clear Water (Radio Edit)"), PLAIN, "review", "edit_of"),
    "clean": Case(_titled("Clear Water (Clean)"), PLAIN, "review", "edit_of"),
    "live, all else equal": Case(
        _titled("Clear Water (Live)", isrc="GBEMI0300013", **ALBUM),
        {**PLAIN, "isrc": "GBEMI0300013", **ALBUM},
        "review",
        "live_version_of",
    ),
    "live and a number": Case(
        _titled("Sonata No. 5 (Live)", **ALBUM), _titled("Sonata No. 5", **ALBUM), "review", "live_version_of"
    ),
    # One side only, but the length tells them apart, or something else tells them to be one.
    "live, another length": Case(
        _titled("Clear Water (Live)", duration_ms=260_000), PLAIN, "new", "live_version_of"
    ),
    "slowed, another length": Case(
        _titled("Clear Water (Slowed + Reverb)", duration_ms=250_000), PLAIN, "new", "slowed_of"
    ),
    "live, length unknown": Case(
        _titled("Clear Water (Live)", duration_ms=None), PLAIN, "new", "live_version_of"
    ),
    "karaoke by another": Case(
        _titled("Clear Water (Karaoke Version)", artist="Sing Along Stars"), PLAIN, "new", "karaoke_of"
    ),
    "live, the recording's own identifier": Case(
        _titled("Clear Water (Live)", mbid=MBID), {**PLAIN, "mbid": MBID}, "match", "live_version_of"
    ),
    "live, on the live album": Case(
        _titled("Clear Water (Live)"), {**PLAIN, "album": "Live at the Old Mill"}, "match", "live_version_of"
    ),
    "remix, on the single that holds both": Case(
        _titled("Clear Water (Joe Remix)"), {**PLAIN, "album": "Clear Water (Remixes)"}, "review", "remix_of"
    ),
    # The other side is known as the usual version.
    "live against studio": Case(
        _titled("Clear Water (Live)", **ALBUM), {**PLAIN, **STUDIO, **ALBUM}, "new", "live_version_of"
    ),
    "live against a studio version": Case(
        _titled("Clear Water (En Vivo)"), _titled("Clear Water (Studio Version)"), "new", "live_version_of"
    ),
    "remix against the original mix": Case(
        _titled("Clear Water (Joe Remix)"), _titled("Clear Water (Original Mix)"), "new", "remix_of"
    ),
    "radio edit against the album version": Case(
        _titled("Clear Water (Radio Edit)"), _titled("Clear Water (Album Version)"), "new", "edit_of"
    ),
    "clean against explicit": Case(
        _titled("Clear Water (Clean)"), {**PLAIN, "declared": Declared(explicit=True)}, "new", "edit_of"
    ),
    "karaoke against what is sung": Case(
        _titled("Clear Water (Karaoke)"),
        {**PLAIN, "declared": Declared(instrumental=False)},
        "new",
        "karaoke_of",
    ),
    # Both sides say what they are.
    "live twice": Case(_titled("Clear Water (Live)"), _titled("Clear Water - Live"), "match"),
    "live, in two languages": Case(_titled("Clear Water (Live)"), _titled("Clear Water (ライブ)"), "match"),
    "live, the place said once": Case(
        _titled("Clear Water (Live)"), _titled("Clear Water (Live at Wembley Stadium)"), "match"
    ),
    "live at two places": Case(
        _titled("Clear Water (Live at Wembley Stadium)"), _titled("Clear Water (Live at Shea Stadium)"), "new"
    ),
    "live in two years": Case(_titled("Clear Water (Live 1994)"), _titled("Clear Water (Live 1997)"), "new"),
    "live, remastered later": Case(
        _titled("Clear Water - Live at Wembley 1986 / 2011 Remaster"),
        _titled("Clear Water (Live at Wembley, 1986)"),
        "match",
    ),
    "two remixers": Case(_titled("Clear Water (DJ Joe Remix)"), _titled("Clear Water (DJ Ann Remix)"), "new"),
    "live against a remix": Case(_titled("Clear Water (Live)"), _titled("Clear Water (Joe Remix)"), "new"),
    "live against a demo": Case(_titled("Clear Water (Live)"), _titled("Clear Water (Demo)"), "new"),
    "sped up against slowed": Case(_titled("Clear Water (Sped Up)"), _titled("Clear Water (Slowed)"), "new"),
    "two languages": Case(
        _titled("Clear Water (English Version)"), _titled("Clear Water (Spanish Version)"), "new"
    ),
    "one language, named in two": Case(
        _titled("Clear Water (Versión en Español)"), _titled("Clear Water (Spanish Version)"), "match"
    ),
    "edit of a remix": Case(
        _titled("Clear Water (Joe Remix) [Radio Edit]"),
        _titled("Clear Water (Joe Remix)"),
        "review",
        "edit_of",
    ),
    "radio edit against the extended mix": Case(
        _titled("Clear Water (Radio Edit)"), _titled("Clear Water (Extended Mix)"), "new"
    ),
    "extended and short cut of one remix": Case(
        _titled("Clear Water (Joe Extended Remix)"), _titled("Clear Water (Joe Remix Edit)"), "new"
    ),
    "artist's version, typographic": Case(
        {**PLAIN, "version": "Taylor’s Version"}, PLAIN, "review", "rerecording_of"
    ),
    "live, full width": Case({**PLAIN, "version": "Ｌｉｖｅ"}, PLAIN, "review", "live_version_of"),
    "unplugged and live": Case(_titled("Clear Water (Unplugged)"), _titled("Clear Water (Live)"), "review"),
    # The known song is itself the remix.
    "the word is part of the title": Case(_titled("Ignition (Remix)"), _titled("Ignition Remix"), "match"),
    "no version word": Case(_titled("Live Forever"), _titled("Live Forever"), "match"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_version_words_decide_the_outcome(case: Case) -> None:
    left, right = _record(**case.left), _record(**case.right)
    score, back = SCORER.score(left, right), SCORER.score(right, left)
    assert (_outcome(score), score.relation) == (case.outcome, case.relation)
    assert (_outcome(back), back.relation) == (case.outcome, inverse_relation(case.relation))
    assert score.work.log_odds >= SCORER.bundle.work_match
    assert score.work_cannot_link is None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_sound_overrules_every_version_word(case: Case) -> None:
    left, right = _record(**case.left), _record(**case.right)
    told, heard = SCORER.score(left, right), SCORER.score(left, right, SAME)
    assert _outcome(heard) == "match"
    assert heard.relation is None
    if told.cannot_link or _outcome(told) == "review":
        assert heard.contradiction == "heard_against_declared"
    elif case.relation is None:
        assert heard.contradiction is None


def test_the_rule_stands_in_the_ledger_and_adds_up() -> None:
    left, right = _record("Clear Water (Live)", **ALBUM), _record(**ALBUM)
    head = SCORER.score(left, right).recording
    rule = next(line for line in head.lines if line.name == "version_rule")
    assert rule.level == "review"
    assert rule.contribution < 0
    assert head.prior + sum(line.contribution for line in head.lines) == pytest.approx(head.log_odds)
    assert not any(line.name == "version_rule" for line in SCORER.score(left, left).recording.lines)


def test_a_word_left_out_is_no_match_whatever_else_agrees() -> None:
    agreeing: dict[str, Any] = {
        "album": "River Songs",
        "isrc": "GBEMI0300013",
        "languages": ("en",),
        "declared": Declared(explicit=True, cover=False),
    }
    for title in ("Clear Water, Op. 3 No. 5 (Live)", "Clear Water, Op. 3 No. 5 (Joe Remix)"):
        for duration_ms in (215_000, 217_000, None):
            score = SCORER.score(
                _record(title, duration_ms=duration_ms, **agreeing),
                _record("Clear Water, Op. 3 No. 5", **agreeing),
            )
            assert _outcome(score) == "review"


def test_the_rule_lifts_a_doubt_into_review_but_not_over_other_facts() -> None:
    """Another album and year are weak evidence that the rule outweighs; another language or ISRC is not."""
    left = _record("Rain (Live)", isrc="GBEMI0300013", album="Old Songs")
    right = dataclasses.replace(_record("Rain", album="Muddy Water"), year=1999)
    assert _outcome(SCORER.score(left, right)) == "review"
    assert _outcome(SCORER.score(left, dataclasses.replace(right, isrcs=("GBEMI0300014",)))) == "new"
    other = dataclasses.replace(right, languages=("ja",))
    assert _outcome(SCORER.score(dataclasses.replace(left, languages=("en",)), other)) == "new"


def test_one_isrc_on_two_versions_or_two_numbers_is_a_contradiction() -> None:
    studio = _record(isrc="GBEMI0300013", version_types=("Studio",))
    score = SCORER.score(_record("Clear Water (Live)", isrc="GBEMI0300013"), studio)
    assert (score.contradiction, _outcome(score)) == ("same_isrc_other_version", "new")
    first, second = (_record(f"Sonata, No. {number}", isrc="GBEMI0300013") for number in (1, 2))
    score = SCORER.score(first, second)
    assert (score.contradiction, _outcome(score)) == ("same_isrc_other_number", "new")


def test_a_title_in_another_language_keeps_the_word_of_the_main_title() -> None:
    title = featurize(
        Upload(
            source="s",
            item_id="1",
            title="Clear Water (Live)",
            artists=(Artist(name="The Example Band"),),
            duration_ms=215_000,
        )
    )
    translated = dataclasses.replace(
        title.readings[0], base="agua clara", versions=(), source_text="Água Clara"
    )
    left = dataclasses.replace(title, readings=(*title.readings, translated))
    levels = compare_records(left, _record("Agua Clara"), None).levels
    assert levels[FIELDS.index("version")] == "one_sided"


@pytest.mark.parametrize(
    ("left", "right", "conflict"),
    [
        ("Live at Budokan", "Live at Budokhan", False),
        ("Live at Budokan", "ライブ 武道館", False),
        ("Live desde Madrid", "Live desde Lima", True),
        ("Extended Joe Remix", "Joe Extended Remix", False),
        ("日本語版", "Japanese Version", False),
        ("Korean Version", "Japanese Version", True),
    ],
)
def test_details_differ_only_where_they_can_be_compared(left: str, right: str, conflict: bool) -> None:
    def part(text: str) -> VersionPart:
        return next(part for part in read_version(text) if part.type in {"live", "remix", "language"})

    assert details_conflict(part(left), part(right)) is conflict
    assert details_conflict(part(right), part(left)) is conflict


def test_relations_name_what_one_is_beyond_the_other() -> None:
    live, remix, both = frozenset({"live"}), frozenset({"remix"}), frozenset({"live", "remix"})
    assert relation_between(both, live) == "remix_of"
    assert relation_between(live, both) == "has_remix"
    assert relation_between(live, remix) is None
    assert relation_between(live, frozenset({"album"})) == "live_version_of"
    assert exclude_each_other(live, remix)
    assert not exclude_each_other(live, both)
    assert not exclude_each_other(live, frozenset())
    assert not exclude_each_other(frozenset({"karaoke"}), frozenset({"instrumental"}))


MARKERS = {
    "live": "Live|En Vivo|En Directo|Ao Vivo|En Concert|Dal Vivo|Live aus Berlin|ライブ|라이브|现场|現場版"
    "|концерт|живьём|canlı",
    "acoustic": "Acoustic|Acústico|Acoustique|アコースティック|어쿠스틱|不插电",
    "instrumental": "Instrumental|Off Vocal|インスト|반주|MR|伴奏|纯音乐|минус|минусовка",
    "karaoke": "Karaoke|カラオケ|караоке",
    "remaster": "2011 Remaster|Remasterizado|Remasterisé|リマスター|리마스터",
    "cover": "Cover|Versión de Los Ejemplos|カバー|歌ってみた|커버|翻唱|кавер",
    "sped_up": "Sped Up|Acelerada|Nightcore|スピードアップ|加速版",
    "slowed": "Slowed + Reverb|Lenta|降速",
    "language": "English Version|日本語版|国语版|粤语版",
    "remix": "Joe Remix|リミックス|리믹스|Mr. Marvin Remix",
    "edit": "Radio Edit|Extended Mix|Single Version|TV Size",
    "demo": "Demo|Démo|デモ|데모",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in MARKERS.items() for text in texts.split("|")]
)
def test_markers_of_eleven_languages_are_typed(kind: str, text: str) -> None:
    assert [part.type for part in read_version(text)] == [kind]
    assert all(part.text == text for part in read_version(text))
