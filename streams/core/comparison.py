"""Named comparison levels of two linkage records, field by field; absent is a level of its own.

Every comparison is symmetrical. Each field has its place in `field_levels`; here they become a pair's vector,
with the hard facts (relation, cannot-links, contradiction) that follow from several of them.
"""

from typing import NamedTuple

from streams.core.acceptance import USUAL, SoundLimits
from streams.core.field_levels.artists import GUEST, compare_artists
from streams.core.field_levels.facts import (
    SHARED,
    compare_albums,
    compare_durations,
    compare_flags,
    compare_gtins,
    compare_ids,
    compare_isrcs,
    compare_numbers,
    compare_sets,
    compare_tracks,
    compare_years,
    may_share_a_place,
)
from streams.core.field_levels.heard import OTHER_VERSION, agrees, harmony_level, retimed
from streams.core.field_levels.prepared import (
    ALBUM,
    COVER,
    EXPLICIT,
    GTIN,
    ID,
    ISRC,
    ISWC,
    LANGUAGE,
    TRACK,
    WORK_SCHEMES,
    YEAR,
    Prepared,
    prepare,
)
from streams.core.field_levels.titles import MAIN_TITLE, MISTYPED, compare_titles
from streams.core.field_levels.versions import NO_VERSION, ONE_SIDED, compare_versions
from streams.core.filming import OTHER_VIDEO, film
from streams.core.hearing import ABSENT, ONE_RECORDING, hear, shared
from streams.core.names import SAME
from streams.core.names.comparing import CLOSE, DIFFERENT
from streams.core.pictures import OTHER, compare_pictures
from streams.core.pictures import SAME as SAME_PICTURES
from streams.core.records import Kind, LinkageRecord, SoundEvidence
from streams.core.shown import compare_shown
from streams.core.titles.pieces import OTHER as OTHER_PIECE
from streams.core.titles.pieces import PART as PART_OF_PIECE
from streams.core.titles.pieces import PIECE

SKIPPED = "skipped"
FIELDS = (
    "title",
    "artist",
    "title_artist",
    "version",
    "numbers",
    "duration",
    "album",
    "year",
    "isrc",
    "iswc",
    "gtin",
    "ids",
    "track",
    "language",
    "explicit",
    "cover",
    "media_kind",
    "sound",
    "harmony",
    "pictures",
    "shown",
)

COARSER = {
    ("title", "phrase"): "contained",
    ("title", "short_phrase"): "phrase",
    ("title", "beside_artist"): "phrase",
    ("title", MAIN_TITLE): "near",
    ("title", MISTYPED): "near",
    ("title", "unnamed"): "different",
    ("title", "subtitle"): "phrase",
    ("title_artist", "both_close"): "both",
    ("title_artist", "both_guest"): "both",
    ("title", "piece"): "near",
    ("title", "piece_part"): "mostly",
    ("title", "piece_other"): "similar",
    ("title", "mostly"): "some",
    ("title", "partly"): "different",
    ("title", "word"): "different",
    ("album", "album_mates"): "equal",
    ("album", "one_place"): "album_mates",
    ("track", "moved"): "other_place",
    ("artist", "close"): "near",
    ("artist", GUEST): "equal",
    ("artist", "within"): "contained",
    ("artist", "uploader_differs"): "different",
    ("isrc", "equal_doubtful"): "equal",
    ("sound", "speed"): "same_master",
    ("sound", "shares"): "other",
}
"""The level that says the same less finely, for bundles that were made before there was the finer one."""


class Comparison(NamedTuple):
    """The levels of a pair and the hard facts beside them."""

    levels: tuple[str, ...]  # in the order of FIELDS
    relation: str | None = None
    cannot_link: str | None = None
    work_cannot_link: str | None = None
    contradiction: str | None = None
    reading_left: int = 0
    reading_right: int = 0


def version_readings(title: str | None, left: int, right: int) -> tuple[int, int]:
    """Give the readings whose versions are compared: those that agree, else the likeliest ones."""
    return (left, right) if title in _ONE_READING else (0, 0)


_ONE_READING = frozenset({"exact", "exact_short"})


def one_sided_rule(levels: tuple[str, ...]) -> str | None:
    """Say what may come of a version word that one side leaves out, as long as nothing was heard.

    Returns
    -------
    str or None
        ``review``: same title, same artist and same length, so that a person must look; ``no_match``: not
        matched by metadata alone; None: no such word, or something names the recording itself
    """
    if levels[_VERSION] not in ONE_SIDED or levels[_SOUND] not in {ABSENT, "doubtful"}:
        return None
    if levels[_IDS] in _NAMES_RECORDING:
        return None
    same = (
        levels[_TITLE] in _STRONG_TITLES
        and levels[_ARTIST] in {"equal", "near"}
        and levels[_DURATION] == "second"
        and levels[_SOUND] is ABSENT
        and not any(levels[field] in _SPEAKS_AGAINST for field in _OTHER_FACTS)
    )
    return "review" if same else "no_match"


_TITLE, _ARTIST, _VERSION, _DURATION, _IDS, _SOUND = map(
    FIELDS.index, ("title", "artist", "version", "duration", "ids", "sound")
)
_OTHER_FACTS = tuple(
    map(FIELDS.index, ("numbers", "isrc", "iswc", "gtin", "ids", "language", "explicit", "cover"))
)
"""A version has an ISRC of its own: another one beside a version word says the same once more."""
_SPEAKS_AGAINST = frozenset({"different", "conflict", "other_track", "mbid_different"})
_NAMES_RECORDING = frozenset({"mbid_equal", "proprietary_equal", "acoustid_equal", "video_equal"})


_STRONG_TITLES = frozenset({"exact", "exact_short", PIECE, MAIN_TITLE, MISTYPED, "near"})
_OTHER_TITLES = frozenset({"mostly", "partly", "word", "some", DIFFERENT, PART_OF_PIECE, OTHER_PIECE})
"""Of two songs, as far as titles tell: that their album is one is then what is to be expected."""
_PART_OF_TITLE = frozenset({"phrase", "short_phrase", "contained", "subtitle"})
_WITHIN = _PART_OF_TITLE | {MAIN_TITLE}
_STRONG_ARTISTS = frozenset({*SAME, "in_title"})
_BESIDE_A_TITLE = {CLOSE: "both_close", GUEST: "both_guest"}
_NEAR_IN_TIME = frozenset({"second", "three_seconds"})
_OTHER_ARTISTS = frozenset({DIFFERENT, "uploader_differs"})
_NO_ARTISTS = _OTHER_ARTISTS | {ABSENT}
_ONE_ALBUM = frozenset({"equal", "near", "album_mates", "one_place"})


def compare_records(
    left: LinkageRecord,
    right: LinkageRecord,
    sound: SoundEvidence | None,
    *,
    staged: bool = True,
    limits: SoundLimits = USUAL,
) -> Comparison:
    """Compare two records; cheap fields first, the rest is skipped where nothing hangs on it.

    Parameters
    ----------
    left, right : LinkageRecord
    sound : SoundEvidence, optional
    staged : bool
        False compares every field of every pair: what staging is measured against
    limits : SoundLimits
        what a sound must reach to be heard again
    """
    return compare_prepared(left, right, prepare(left), prepare(right), sound, staged=staged, limits=limits)


def compare_prepared(
    left: LinkageRecord,
    right: LinkageRecord,
    a: Prepared,
    b: Prepared,
    sound: SoundEvidence | None,
    *,
    staged: bool,
    limits: SoundLimits,
) -> Comparison:
    """Compare two records as ``compare_records`` does, given what was prepared of each."""
    title, reading_left, reading_right = compare_titles(a, b)
    artist = compare_artists(a, b)
    given = a.given & b.given
    isrc = compare_isrcs(left, right) if given & ISRC else ABSENT
    iswc = compare_sets(left.iswcs, right.iswcs) if given & ISWC else ABSENT
    ids = compare_ids(left, right) if given & ID else ABSENT
    duration = compare_durations(left.duration_ms, right.duration_ms)
    shown = compare_shown(left, right) if left.shown or right.shown else ABSENT
    # With any of these the fields that are left could still make it a review (a test has the bound).
    hopeless = (
        staged
        and title == "different"
        and artist == DIFFERENT
        and duration not in _NEAR_IN_TIME
        and not (given & TRACK and may_share_a_place(a, b))
        and isrc not in SHARED
        and iswc != "equal"
        and ids == ABSENT
        and sound is None
    )
    if hopeless:
        levels = (
            title,
            artist,
            ABSENT,
            SKIPPED,
            SKIPPED,
            duration,
            SKIPPED,
            SKIPPED,
            isrc,
            iswc,
            SKIPPED,
            ids,
            *[SKIPPED] * 5,
            *[ABSENT] * 3,
            shown,
        )
        return Comparison(levels, reading_left=reading_left, reading_right=reading_right)
    both = ABSENT
    if title in _STRONG_TITLES and artist != ABSENT:
        both = "both" if artist in _STRONG_ARTISTS else _BESIDE_A_TITLE.get(artist, "title_only")
    elif title in _PART_OF_TITLE and artist != ABSENT:
        both = "part_both" if artist in _STRONG_ARTISTS else "part_only"
    i, j = version_readings(title, reading_left, reading_right)
    version, relation, cannot_link = NO_VERSION
    if a.types[i] or b.types[j]:
        version, relation, cannot_link = compare_versions(a, b, i, j)
        if title == ABSENT and version in ONE_SIDED:
            version, relation = ABSENT, None  # who gives no title has left no word out of it
    numbers, scheme = compare_numbers(a, b) if a.numbers and b.numbers else (ABSENT, None)
    work_cannot_link = None
    if scheme is not None:
        cannot_link = f"number:{scheme}"
        if scheme in WORK_SCHEMES or scheme.startswith("catalogue:"):
            work_cannot_link = cannot_link
    if version == "none" and artist in _OTHER_ARTISTS and title in _STRONG_TITLES:
        declared = (left.declared_cover, right.declared_cover)
        relation = "cover_of" if declared[0] else "has_cover" if declared[1] else relation
    heard, harmony = ABSENT, ABSENT
    contradiction = None
    if sound is not None:
        heard, heard_relation = hear(sound, limits)
        harmony = harmony_level(sound, limits)
        if heard in ONE_RECORDING:
            # What was heard overrules what was written; the clash is told.
            if cannot_link or version in ONE_SIDED:
                contradiction = "heard_against_declared"
            cannot_link = work_cannot_link = relation = None
        elif heard in {"excerpt", "retimed", "part", "shares"}:
            cannot_link, written = f"sound:{heard}", relation
            relation = heard_relation
            if heard == "retimed":
                relation, silent = retimed(relation, a.types[i], b.types[j])
                contradiction = "heard_against_declared" if silent else None
            elif agrees(heard, relation, written, one_title=title in _STRONG_TITLES):
                relation = written
            elif heard == "shares":
                relation = shared(sound, left.year, right.year)
        elif heard in {"other", "unaligned"} and harmony == "high" and relation is None:
            relation = OTHER_VERSION
    if isrc in SHARED:
        if heard == "other":
            contradiction, cannot_link = "same_isrc_other_sound", cannot_link or "sound:other"
        elif scheme is not None and heard not in ONE_RECORDING:
            contradiction = "same_isrc_other_number"
        elif cannot_link and cannot_link.startswith("version:"):
            contradiction = "same_isrc_other_version"
    media_kind = pictures = ABSENT
    if left.kind is Kind.music_video and right.kind is Kind.music_video:
        pictures = compare_pictures(left.pictures, right.pictures)
        if a.media_kind and b.media_kind:
            media_kind = "equal" if a.media_kind == b.media_kind else "different"
        if pictures == OTHER or (media_kind == "different" and pictures != SAME_PICTURES):
            if cannot_link is None and heard in ONE_RECORDING:
                relation = OTHER_VIDEO
            cannot_link = cannot_link or ("pictures" if pictures == OTHER else "media_kind")
    if left.kind is not right.kind:
        cannot_link = "kind"
        filmed = film(left, right, sound, named=both == "both", version=version, isrc=isrc, harmony=harmony)
        relation, contradiction = filmed.relation or relation, filmed.contradiction or contradiction
        if filmed.contradiction:
            relation = None
    album = compare_albums(a, b) if given & ALBUM else ABSENT
    track = compare_tracks(a, b, album) if given & TRACK else ABSENT
    if numbers == ABSENT and title in _WITHIN and ("part" in a.numbers) is not ("part" in b.numbers):
        numbers = "one_sided"
    if album == "equal" and (title in _OTHER_TITLES or numbers == "one_sided"):
        # No album has two songs at one place; another disc of it may, but not of one length as a rule.
        album = "one_place" if track == "same_place" and duration == "second" else "album_mates"
    if track == "other_place" and (both == "both" or (title, artist) == ("beside_artist", "in_title")):
        track = "moved"
    gtin = compare_gtins(left, right) if given & GTIN else ABSENT
    if (
        (title == ABSENT or (title == DIFFERENT and artist == ABSENT and track == "number_equal"))
        and artist in _NO_ARTISTS
        and album not in _ONE_ALBUM
    ):
        named = isrc in SHARED or iswc == "equal" or gtin != ABSENT or ids != ABSENT or sound is not None
        title = title if named else "unnamed"
    levels = (
        title,
        artist,
        both,
        version,
        numbers,
        duration,
        album,
        compare_years(left.year, right.year) if given & YEAR else ABSENT,
        isrc,
        iswc,
        gtin,
        ids,
        track,
        compare_sets(left.languages, right.languages) if given & LANGUAGE else ABSENT,
        compare_flags(left.explicit, right.explicit) if given & EXPLICIT else ABSENT,
        compare_flags(left.declared_cover, right.declared_cover) if given & COVER else ABSENT,
        media_kind,
        heard,
        harmony,
        pictures,
        shown,
    )
    return Comparison(
        levels, relation, cannot_link, work_cannot_link, contradiction, reading_left, reading_right
    )
