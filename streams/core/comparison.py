"""Named comparison levels of two linkage records, field by field; absent is a level of its own.

Every comparison is symmetrical. Records are prepared once, and that is kept as long as the record is.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from weakref import ref

from rapidfuzz import fuzz

from streams.core.hearing import ABSENT as ABSENT
from streams.core.hearing import hear
from streams.core.names import SAME, compare_names, name_form
from streams.core.names.comparing import CLOSE, DIFFERENT, WITHIN
from streams.core.normalize import fold_diacritics, normalize_text
from streams.core.records import (
    Kind,
    LinkageRecord,
    SoundEvidence,
    SourceKind,
    TitleReading,
    TypedNumber,
    VersionPart,
)
from streams.core.titles.numbers import CATALOGUED
from streams.core.titles.pieces import PIECE, Piece, compare_pieces, read_piece
from streams.core.titles.stripping import same_name
from streams.core.versions import (
    OF_WHOLE_ALBUMS,
    USUAL,
    Mastering,
    details_conflict,
    exclude_each_other,
    identity_types,
    mastering_of,
    read_version,
    relation_between,
)
from streams.core.wording import CONTAINMENTS, containment

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
)
HIGH_HARMONY, SOME_HARMONY, LOW_HARMONY = 0.72, 0.6, 0.5
"""Measured: other works median 0.24, highest 0.68; same work median 0.90, a tenth under 0.80."""

_NOBODY = frozenset(
    {
        *("variousartists", "various", "unknown", "unknownartist", "va", "null", "traditional", "artist"),
        *("compilation", "compilations", "assortedartists", "soundtrack", "ost"),
    }
)
_WORK_SCHEMES = frozenset({"act", "movement", "opus", "opus_number", "number", "book", "variation"})
_IDENTITY_SCHEMES = _WORK_SCHEMES | {"part", "volume", "scene"}
_OF_PUBLISHERS = frozenset({"opus", "number"})
"""Numbers that a catalogue of all works of a composer overrules: sonatas are counted in several ways."""


COARSER = {
    ("title", "phrase"): "contained",
    ("title", "beside_artist"): "phrase",
    ("title_artist", "both_close"): "both",
    ("title", "piece"): "near",
    ("title", "piece_part"): "mostly",
    ("title", "piece_other"): "similar",
    ("title", "mostly"): "some",
    ("title", "partly"): "different",
    ("title", "word"): "different",
    ("artist", "close"): "near",
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


class Prepared:
    """What comparisons need of a record, computed once."""

    __slots__ = (
        "album_types",
        "albums",
        "any_title_token",
        "artist_forms",
        "artist_ids",
        "artists",
        "bases",
        "contributors",
        "explicit",
        "instrumental",
        "mastering",
        "media_kind",
        "names",
        "numbers",
        "piece",
        "squeezed",
        "squeezed_set",
        "title_tokens",
        "track_number",
        "types",
        "uploaded",
        "versions",
        "whole_title",
        "with_artist",
    )  # fmt: skip

    def __init__(self, record: LinkageRecord) -> None:
        self.track_number = record.track_number
        self.explicit = record.explicit
        self.instrumental = record.instrumental
        readings = record.readings
        self.bases = tuple(reading.base for reading in readings)
        self.squeezed = tuple(base.replace(" ", "") for base in self.bases)
        self.with_artist = _with_artist(readings, self.squeezed)
        self.squeezed_set = frozenset(self.squeezed)
        self.title_tokens = tuple(frozenset(base.split()) for base in self.bases)
        self.any_title_token = frozenset[str]().union(*self.title_tokens[:3])
        names = [fold_diacritics(name) for name in record.artists]
        if readings and readings[0].artist:
            names.append(fold_diacritics(readings[0].artist))
        names = [name for name in names if name and not _is_nobody(name)]
        # That a channel is the artist's own shows where the title names the artist too.
        who = (readings[0].artist if readings else None) or ""
        self.uploaded = record.source_kind is SourceKind.video_platform and not any(
            same_name(name, who) for name in record.artists
        )
        self.names = tuple(name for name in dict.fromkeys(names) if len(name) >= _LONG_ENOUGH_TO_FIND)
        self.artist_forms = tuple(dict.fromkeys(map(name_form, names)))
        self.artists = frozenset(form.key for form in self.artist_forms if form.generation is None)
        self.artist_ids = frozenset(record.artist_ids)
        self.contributors = frozenset(name_form(name).key for name in record.contributors) - _NOBODY
        self.albums = frozenset(fold_diacritics(album).replace(" ", "") for album in record.albums)
        self.media_kind = readings[0].media_kind if readings else None
        written = fold_diacritics(normalize_text(readings[0].source_text)) if readings else ""
        self.whole_title = written.replace(" ", "")
        on_albums = [read_version(album) for album in record.albums]
        self.album_types = identity_types(part for parts in on_albums for part in parts) & OF_WHOLE_ALBUMS
        self.versions = tuple(_statements(record, index) for index in range(max(1, len(readings))))
        self.types = tuple(identity_types(versions.values()) for versions in self.versions)
        self.mastering = _mastering(record, on_albums)
        numbers: dict[str, set[str]] = {}
        for number in readings[0].numbers if readings else ():
            if _is_identity(number):
                numbers.setdefault(number.scheme, set()).add(number.value)
        self.numbers = numbers
        catalogued = readings and any(_is_catalogued(scheme) for scheme in numbers)
        self.piece: Piece | None = (
            read_piece(readings[0].source_text, readings[0].base) if catalogued else None
        )


def _is_catalogued(scheme: str) -> bool:
    return scheme in CATALOGUED or scheme.startswith("catalogue:")


def _with_artist(readings: Sequence[TitleReading], bases: Sequence[str]) -> tuple[str | None, ...]:
    """Give for each reading the artist of the first one that it takes for the title, or for a part of it."""
    who = fold_diacritics(readings[0].artist or "").replace(" ", "") if readings else ""
    return tuple(
        who if number and who and who in base and base != bases[0] else None
        for number, base in enumerate(bases)
    )


def _is_nobody(name: str) -> bool:
    squeezed = name.replace(" ", "")
    return squeezed in _NOBODY or squeezed.startswith("variousartists")


def _statements(record: LinkageRecord, index: int) -> dict[str, VersionPart]:
    """Collect what one reading says of the version, by type.

    Another reading of the same text may hold the word in its title; a title in another language says
    nothing of it.
    """
    readings = record.readings
    parts = readings[index].versions if readings else ()
    if index and readings[index].source_text != readings[0].source_text:
        parts = readings[0].versions + parts
    versions: dict[str, VersionPart] = {}
    for part in parts:
        versions.setdefault(part.type, part)
    if record.instrumental and "karaoke" not in versions:
        versions.setdefault("instrumental", VersionPart(type="instrumental"))
    return versions


def _mastering(record: LinkageRecord, on_albums: Sequence[tuple[VersionPart, ...]]) -> Mastering:
    """Collect what is said of the mastering: the title first, then what every album of it says."""
    parts = record.readings[0].versions if record.readings else ()
    first, *others = [{part.type for part in each} for each in on_albums] or [set()]
    shared = first.intersection(*others)
    albums = [part for each in on_albums for part in each if part.type in shared]
    return mastering_of((*albums, *parts))


def _is_identity(number: TypedNumber) -> bool:
    return number.scheme in _IDENTITY_SCHEMES or number.scheme.startswith("catalogue:")


_CACHE: dict[int, tuple[ref[LinkageRecord], Prepared]] = {}
_CACHE_SIZE = 65_536


def prepare(record: LinkageRecord) -> Prepared:
    """Prepare a record; the same object is prepared once (a memo, without effect on results).

    What a revision or withdrawal replaces is let go of with the record: of it alone the memo would fill up.
    """
    name = id(record)
    held = _CACHE.get(name)
    if held is not None:
        return held[1]
    if len(_CACHE) >= _CACHE_SIZE:
        _CACHE.clear()
    prepared = Prepared(record)
    # Called before the memory, and with it the id, is given to another record.
    _CACHE[name] = ref(record, lambda _gone: _CACHE.pop(name, None)), prepared
    return prepared


def compare_titles(left: Prepared, right: Prepared) -> tuple[str, int, int]:
    """Compare the best pair of readings: level and both readings."""
    if not left.bases or not right.bases:
        return ABSENT, 0, 0
    if not left.squeezed_set.isdisjoint(right.squeezed_set) and (equal := _equal_readings(left, right)):
        i, j = equal
        long = len(left.squeezed[i]) >= 10 or len(left.title_tokens[i]) >= 3
        return ("exact" if long else "exact_short"), i, j
    if (
        left.piece
        and right.piece
        and (piece := compare_pieces(left.piece, right.piece, one_composer=_one_composer(left, right)))
    ):
        return piece, 0, 0
    best, where = 0.0, (0, 0)
    for i, base in enumerate(left.squeezed):
        for j, other in enumerate(right.squeezed):
            if _same_artist_read(left, right, i, j):
                continue
            ratio = fuzz.ratio(base, other, score_cutoff=best)
            if ratio > best:
                best, where = ratio, (i, j)
    if best >= 90:
        return "near", *where
    found, at = _containment(left, right)
    if found is not None and (beside := _beside_the_artist(left, right)):
        return "beside_artist", *beside
    if found in {"phrase", "contained"}:
        return found, *at
    if best >= 80:
        return "similar", *where
    if found is not None:
        return found, *at
    return ("some" if best >= 60 else "different"), *where


def _beside_the_artist(left: Prepared, right: Prepared) -> tuple[int, int] | None:
    """Find two readings that are equal once the other side's artist is taken off one of them."""
    for i, base in enumerate(left.bases[:3]):
        for rest in _without_names(base, right.names):
            if rest in right.squeezed_set:
                return i, right.squeezed.index(rest)
    for j, base in enumerate(right.bases[:3]):
        for rest in _without_names(base, left.names):
            if rest in left.squeezed_set:
                return left.squeezed.index(rest), j
    return None


def _without_names(base: str, names: Sequence[str]) -> Iterator[str]:
    """Give what stands before a name in a title, or behind one that opens it, written together."""
    for name in names:
        if name not in base:
            continue
        at = f" {base} ".find(f" {name} ")
        before, behind = base[: max(at, 0)], base[at + len(name) :]
        rest = behind if at == 0 else before.removesuffix(" the ").removesuffix(" by ")
        if at >= 0 and rest.strip():
            yield rest.replace(" ", "")


def _one_composer(left: Prepared, right: Prepared) -> bool | None:
    """Say whether two records name a composer, and the same; none where one of them names nobody."""
    if not left.contributors or not right.contributors:
        return None
    return not left.contributors.isdisjoint(right.contributors)


def _containment(left: Prepared, right: Prepared) -> tuple[str | None, tuple[int, int]]:
    """Find the two readings of which one is contained best in the other."""
    best, at = -1, (0, 0)
    if left.any_title_token.isdisjoint(right.any_title_token):
        return None, at
    for i, tokens in enumerate(left.title_tokens[:3]):
        for j, others in enumerate(right.title_tokens[:3]):
            if _same_artist_read(left, right, i, j):
                continue
            found = containment(left.bases[i], right.bases[j], tokens, others)
            if found is not None and (rank := CONTAINMENTS.index(found)) > best:
                best, at = rank, (i, j)
    return (CONTAINMENTS[best] if best >= 0 else None), at


def _same_artist_read(left: Prepared, right: Prepared, i: int, j: int) -> bool:
    """Say whether two readings take one artist for the title, so that their agreeing says nothing of it."""
    return left.with_artist[i] is not None and left.with_artist[i] == right.with_artist[j]


def _equal_readings(left: Prepared, right: Prepared) -> tuple[int, int] | None:
    """Find the likeliest two readings that are equal, if any say so; the same two from either side."""
    if left.squeezed[0] == right.squeezed[0]:
        return 0, 0
    equal = [
        (i + j, base, i, j)
        for i, base in enumerate(left.squeezed)
        for j, other in enumerate(right.squeezed)
        if base == other and not _same_artist_read(left, right, i, j)
    ]
    return min(equal)[2:] if equal else None


def compare_artists(left: Prepared, right: Prepared) -> str:
    """Compare who performs: the level of the two names that are nearest to each other."""
    if not left.artists.isdisjoint(right.artists):
        return "equal"
    if not left.artist_forms or not right.artist_forms:
        return "in_title" if _named_in_title(left, right) or _named_in_title(right, left) else ABSENT
    if not left.artist_ids.isdisjoint(right.artist_ids):
        return "equal"
    found = set()
    for one in left.artist_forms:
        for other in right.artist_forms:
            found.add(compare_names(one, other))
    for level in SAME:
        if level in found:
            return level
    if left.contributors & right.artists or right.contributors & left.artists:
        return "contributor"
    if CLOSE in found:
        return CLOSE
    if _named_in_title(left, right) or _named_in_title(right, left):
        return "in_title"
    if WITHIN in found:
        return WITHIN
    return "uploader_differs" if left.uploaded or right.uploaded else DIFFERENT


def _named_in_title(one: Prepared, other: Prepared) -> bool:
    """Say whether a title names an artist whom the other side gives as such."""
    return any(len(name) >= _LONG_ENOUGH_TO_FIND and name in other.whole_title for name in one.artists)


_LONG_ENOUGH_TO_FIND = 5


def compare_durations(left: int | None, right: int | None) -> str:
    """Compare durations in milliseconds."""
    if left is None or right is None:
        return ABSENT
    apart = abs(left - right)
    if apart <= 1_000:
        return "second"
    if apart <= 3_000:
        return "three_seconds"
    if apart <= 7_000:
        return "seven_seconds"
    return "near" if apart <= 20_000 else "far"


ONE_SIDED = frozenset({"one_sided", "one_sided_edit", "crossed"})
"""Levels where a version word is left unanswered: its sender may have added it, or the other dropped it."""


def _compare_versions(left: Prepared, right: Prepared, i: int, j: int) -> tuple[str, str | None, str | None]:
    """Give level, relation and cannot-link of two readings."""
    ours, theirs = left.types[i], right.types[j]
    if not ours and not theirs:
        return "none", None, None
    relation = relation_between(ours, theirs)
    denied = _denied(ours, right) or _denied(theirs, left)
    if denied:
        return "conflict", relation, f"version:{denied}"
    special, other = ours - USUAL, theirs - USUAL
    if not special and not other:  # words for the usual version
        return ("equal" if ours & theirs else "none"), None, None
    if exclude_each_other(ours, theirs):
        pair = "|".join(sorted((min(ours - theirs), min(theirs - ours))))
        return "conflict", relation, f"version:{pair}"
    vague = False
    for name in sorted(special & other):
        one, two = left.versions[i][name], right.versions[j][name]
        if details_conflict(one, two):
            return "other_detail", None, f"version:{name}|other"
        vague = vague or bool(one.detail) != bool(two.detail)
    if special == other:
        return ("equal_vague" if vague else "equal"), None, None
    if special - other and other - special:
        return "crossed", None, None
    silent, told, index = (right, left, i) if special > other else (left, right, j)
    only = special ^ other
    if only <= silent.album_types or all(_is_album(told.versions[index][name], silent) for name in only):
        return "on_album", relation, None
    return ("one_sided_edit" if only <= {"edit", "clean"} else "one_sided"), relation, None


def _denied(types: frozenset[str], other: Prepared) -> str | None:
    """Name what one side is and the other declares not to be."""
    if "clean" in types and other.explicit:
        return "clean|explicit"
    if other.instrumental is False and types & {"instrumental", "karaoke"}:
        return "instrumental|vocal"
    return None


def _is_album(part: VersionPart, record: Prepared) -> bool:
    """Say whether a qualifier names the other's album: then the other says as much."""
    text = fold_diacritics(normalize_text(part.text)).replace(" ", "")
    return any(
        text == album or (min(len(text), len(album)) >= _LONG_NAME and (text in album or album in text))
        for album in record.albums
    )


_LONG_NAME = 10


def declared_versions(record: LinkageRecord | None) -> str:
    """Say in words what a sender declares of the version."""
    types = prepare(record).types[0] - USUAL if record is not None else frozenset[str]()
    return ", ".join(sorted(types)).replace("_", " ") or "original"


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
_OTHER_FACTS = tuple(map(FIELDS.index, ("numbers", "iswc", "gtin", "ids", "language", "explicit", "cover")))
_SPEAKS_AGAINST = frozenset({"different", "conflict", "other_track", "mbid_different"})
_NAMES_RECORDING = frozenset({"mbid_equal", "proprietary_equal", "acoustid_equal", "video_equal"})


def _compare_numbers(left: Prepared, right: Prepared) -> tuple[str, str | None]:
    if not left.numbers or not right.numbers:
        return ABSENT, None
    both = [scheme for scheme in left.numbers if scheme in right.numbers]
    agree = {scheme for scheme in both if _share_a_number(left.numbers[scheme], right.numbers[scheme])}
    catalogued = any(scheme.startswith("catalogue:") for scheme in agree)
    for scheme in both:
        if scheme not in agree and not (
            catalogued and (scheme in _OF_PUBLISHERS or scheme.startswith("catalogue:"))
        ):
            return "conflict", scheme
    return ("equal" if agree else ABSENT), None


def _share_a_number(left: set[str], right: set[str]) -> bool:
    """Say whether two sets of numbers have one in common: 37 and 37a are one, 37a and 37b are not."""
    if left & right:
        return True
    return any(
        one.rstrip(_LETTERS) == other.rstrip(_LETTERS) and (one[-1:].isdigit() or other[-1:].isdigit())
        for one in left
        for other in right
    )


_LETTERS = "abcdefgh"


def _compare_sets(left: frozenset[str] | tuple[str, ...], right: frozenset[str] | tuple[str, ...]) -> str:
    if not left or not right:
        return ABSENT
    return "different" if set(left).isdisjoint(right) else "equal"


_SHARED = frozenset({"equal", "equal_doubtful"})


def _compare_isrcs(left: LinkageRecord, right: LinkageRecord) -> str:
    """Compare ISRCs; what both share may be older than what one of them says was recorded."""
    level = _compare_sets(left.isrcs, right.isrcs)
    doubtful = {*left.doubtful_isrcs, *right.doubtful_isrcs}
    if level == "equal" and doubtful and doubtful.issuperset({*left.isrcs} & {*right.isrcs}):
        return "equal_doubtful"
    return level


def _compare_albums(left: Prepared, right: Prepared) -> str:
    if not left.albums or not right.albums:
        return ABSENT
    if left.albums & right.albums:
        return "equal"
    best = max(fuzz.ratio(a, b) for a in left.albums for b in right.albums)
    return "near" if best >= 80 else "different"


def _compare_years(left: int | None, right: int | None) -> str:
    if left is None or right is None:
        return ABSENT
    apart = abs(left - right)
    return "equal" if apart == 0 else "near" if apart <= 1 else "different"


def _compare_gtins(left: LinkageRecord, right: LinkageRecord) -> str:
    if not left.gtins or not right.gtins or set(left.gtins).isdisjoint(right.gtins):
        return ABSENT  # another release says nothing of the recording
    if left.track_number is None or right.track_number is None:
        return "equal"
    return "same_track" if left.track_number == right.track_number else "other_track"


def _compare_tracks(left: Prepared, right: Prepared, album: str) -> str:
    """Compare the places on an album; on different albums, or where one names none, a number says less."""
    one, other = left.track_number, right.track_number
    if one is None or other is None:
        return ABSENT
    if album in _SAME_ALBUM:
        return "same_place" if one == other else "other_place"
    return ("number_equal" if one == other else "number_different") if album == ABSENT else ABSENT


_SAME_ALBUM = frozenset({"equal", "near"})


def _may_share_a_place(left: Prepared, right: Prepared) -> bool:
    """Say whether both may stand at one place of one album, whatever their titles are."""
    number = left.track_number
    return number is not None and number == right.track_number and _compare_albums(left, right) != "different"


def _compare_ids(left: LinkageRecord, right: LinkageRecord) -> str:
    if left.mbid and right.mbid:
        return "mbid_equal" if left.mbid == right.mbid else "mbid_different"
    if left.proprietary and not set(left.proprietary).isdisjoint(right.proprietary):
        return "proprietary_equal"
    if left.acoustid and left.acoustid == right.acoustid:
        return "acoustid_equal"
    if left.video_ids and not set(left.video_ids).isdisjoint(right.video_ids):
        return "video_equal"
    return ABSENT


def _compare_flags(left: bool | None, right: bool | None) -> str:
    if left is None or right is None:
        return ABSENT
    return "equal" if left == right else "different"


ONE_RECORDING = frozenset({"same_audio", "same_master", "speed"})
"""Levels of the sound that nothing written overrules."""
OTHER_VERSION = "other_version_of"
"""The same harmony in another performance: neither is known to be of the other."""
_RETIMED_WORDS = frozenset({"sped_up", "slowed", "remix", "mashup", "mix"})


def _retimed(relation: str | None, ours: frozenset[str], theirs: frozenset[str]) -> tuple[str | None, bool]:
    """Name a change of speed or pitch after the side that says so; with whether neither does.

    Heard alone, the faster one was sped up; a sender who writes "slowed" knows better.
    """
    if "slowed" in ours and relation == "has_sped_up":
        return "slowed_of", False
    if "slowed" in theirs and relation == "sped_up_of":
        return "has_slowed", False
    told = ours if relation in {"sped_up_of", "derived_of"} else theirs
    return relation, not told & _RETIMED_WORDS


def _harmony(sound: SoundEvidence | None) -> str:
    if sound is None or sound.harmony is None:
        return ABSENT
    if sound.harmony >= HIGH_HARMONY:
        return "high"
    if sound.harmony >= SOME_HARMONY:
        return "some"
    return "low" if sound.harmony < LOW_HARMONY else "middle"


_STRONG_TITLES = frozenset({"exact", "exact_short", PIECE, "near"})
_STRONG_ARTISTS = frozenset({*SAME, "in_title"})
_NEAR_IN_TIME = frozenset({"second", "three_seconds"})
_OTHER_ARTISTS = frozenset({DIFFERENT, "uploader_differs"})


def compare_records(
    left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None, *, staged: bool = True
) -> Comparison:
    """Compare two records; cheap fields first, the rest is skipped where nothing hangs on it.

    Parameters
    ----------
    left, right : LinkageRecord
    sound : SoundEvidence, optional
    staged : bool
        False compares every field of every pair: what staging is measured against
    """
    a, b = prepare(left), prepare(right)
    title, reading_left, reading_right = compare_titles(a, b)
    artist = compare_artists(a, b)
    isrc = _compare_isrcs(left, right)
    iswc = _compare_sets(left.iswcs, right.iswcs)
    ids = _compare_ids(left, right)
    heard, heard_relation = hear(sound)
    harmony = _harmony(sound)
    duration = compare_durations(left.duration_ms, right.duration_ms)
    # With any of these the fields that are left could still make it a review (a test has the bound).
    hopeless = (
        staged
        and title == "different"
        and artist == DIFFERENT
        and duration not in _NEAR_IN_TIME
        and not _may_share_a_place(a, b)
        and isrc not in _SHARED
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
            ABSENT,
            ABSENT,
        )
        return Comparison(levels, reading_left=reading_left, reading_right=reading_right)
    both = ABSENT
    if title in _STRONG_TITLES and artist != ABSENT:
        both = "both" if artist in _STRONG_ARTISTS else "both_close" if artist == CLOSE else "title_only"
    # Only where two readings agree are they how the titles are to be read.
    i, j = (reading_left, reading_right) if title in {"exact", "exact_short"} else (0, 0)
    version, relation, cannot_link = _compare_versions(a, b, i, j)
    numbers, scheme = _compare_numbers(a, b)
    work_cannot_link = None
    if scheme is not None:
        cannot_link = f"number:{scheme}"
        if scheme in _WORK_SCHEMES or scheme.startswith("catalogue:"):
            work_cannot_link = cannot_link
    if version == "none" and artist in _OTHER_ARTISTS and title in _STRONG_TITLES:
        declared = (left.declared_cover, right.declared_cover)
        relation = "cover_of" if declared[0] else "has_cover" if declared[1] else relation
    contradiction = None
    if heard in ONE_RECORDING:
        # What was heard overrules what was written; the clash is told.
        if cannot_link or version in ONE_SIDED:
            contradiction = "heard_against_declared"
        cannot_link = work_cannot_link = relation = None
    elif heard in {"excerpt", "retimed", "part", "shares"}:
        cannot_link, relation = f"sound:{heard}", heard_relation
        if heard == "retimed":
            relation, silent = _retimed(relation, a.types[i], b.types[j])
            contradiction = "heard_against_declared" if silent else None
    elif heard in {"other", "unaligned"} and harmony == "high" and relation is None:
        relation = OTHER_VERSION
    if isrc in _SHARED and heard == "other":
        contradiction, cannot_link = "same_isrc_other_sound", cannot_link or "sound:other"
    elif isrc in _SHARED and scheme is not None and heard not in ONE_RECORDING:
        contradiction = "same_isrc_other_number"
    elif isrc in _SHARED and cannot_link and cannot_link.startswith("version:"):
        contradiction = "same_isrc_other_version"
    media_kind = ABSENT
    if left.kind is Kind.music_video and right.kind is Kind.music_video and a.media_kind and b.media_kind:
        media_kind = "equal" if a.media_kind == b.media_kind else "different"
        if media_kind == "different":
            cannot_link = cannot_link or "media_kind"
    if left.kind is not right.kind:
        cannot_link = "kind"
        same = heard in {*ONE_RECORDING, "excerpt", "part"} or (
            heard == ABSENT and both == "both" and version in {"none", "equal"}
        )
        if same or isrc in _SHARED:
            relation = "music_video_of" if left.kind is Kind.music_video else "has_music_video"
    cover = _compare_flags(left.declared_cover, right.declared_cover)
    album = _compare_albums(a, b)
    levels = (
        title,
        artist,
        both,
        version,
        numbers,
        duration,
        album,
        _compare_years(left.year, right.year),
        isrc,
        iswc,
        _compare_gtins(left, right),
        ids,
        _compare_tracks(a, b, album),
        _compare_sets(left.languages, right.languages),
        _compare_flags(left.explicit, right.explicit),
        cover,
        media_kind,
        heard,
        harmony,
    )
    return Comparison(
        levels, relation, cannot_link, work_cannot_link, contradiction, reading_left, reading_right
    )
