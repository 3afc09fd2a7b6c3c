"""What comparisons need of a record, computed once and kept as long as the record is."""

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from weakref import ref

from streams.core.names import name_form
from streams.core.normalize import fold_diacritics, normalize_text, remnant
from streams.core.records import LinkageRecord, SourceKind, TitleReading, TypedNumber, VersionPart
from streams.core.titles.keys import without_keys
from streams.core.titles.pieces import Piece, read_piece
from streams.core.titles.small_words import what_it_tells
from streams.core.titles.spelling import in_one_spelling, without_article
from streams.core.titles.stripping import same_name
from streams.core.titles.subtitles import MAY_HAVE_ONE, halves_of
from streams.core.titles.terms import named_by_form
from streams.core.versions import OF_WHOLE_ALBUMS, Mastering, identity_types, mastering_of, read_version

_NOBODY = frozenset(
    {
        *("variousartists", "various", "unknown", "unknownartist", "va", "null", "traditional", "artist"),
        *("compilation", "compilations", "assortedartists", "soundtrack", "ost"),
    }
)

WORK_SCHEMES = frozenset({"act", "movement", "opus", "opus_number", "number", "book", "variation"})
_IDENTITY_SCHEMES = WORK_SCHEMES | {"part", "volume", "scene"}
_BRACKET_ALONE = re.compile(r"\s*\[[^\[\]]+\]\s*")

ISRC, ISWC, GTIN, ID, ALBUM, YEAR, TRACK, LANGUAGE, EXPLICIT, COVER = (1 << place for place in range(10))
"""What a record may give; a field that one side lacks is absent, whatever the other says."""


def _told(record: LinkageRecord) -> tuple[tuple[int, object], ...]:
    return (
        (ISRC, record.isrcs),
        (ISWC, record.iswcs),
        (GTIN, record.gtins),
        (ID, record.mbid or record.proprietary or record.acoustid or record.video_ids),
        (ALBUM, record.albums),
        (YEAR, record.year is not None),
        (TRACK, record.track_number is not None),
        (LANGUAGE, record.languages),
        (EXPLICIT, record.explicit is not None),
        (COVER, record.declared_cover is not None),
    )


def sender_of(record: LinkageRecord) -> str:
    """Name what the sender of a record is."""
    return record.source_kind.value if record.source_kind else "unknown"


def is_identified(record: LinkageRecord) -> bool:
    """Say whether a record gives an identifier of recordings."""
    return bool(record.isrcs or record.mbid or record.acoustid)


class Prepared:
    """What comparisons need of a record, computed once.

    Attributes
    ----------
    given : int
        which of the fields above the record has, one bit each
    sender : str
        what its sender is
    identified : bool
        it gives an identifier of recordings
    keyless : tuple of str, optional
        ``squeezed`` without the musical key, where a title of a piece names one
    guests : frozenset of str
        keys of those of ``artists`` who are but guests
    remnants : frozenset of str
        what a sender leaves of ``albums`` who drops what is not Latin
    written, whole_title : str
        the title with its version words, normalised, and the same written together
    findable : tuple of str
        names of artists that are long enough to be found in titles
    """

    __slots__ = (
        "_mastering",
        "_on_albums",
        "album_names",
        "albums",
        "all_bases",
        "any_title_token",
        "are_long",
        "artist_forms",
        "artist_ids",
        "artists",
        "bases",
        "contributor_forms",
        "contributors",
        "described",
        "explicit",
        "findable",
        "given",
        "given_names",
        "guests",
        "halves",
        "identified",
        "instrumental",
        "joined",
        "keyless",
        "legible_albums",
        "media_kind",
        "named_by_form",
        "names",
        "numbers",
        "of_platform",
        "pieces",
        "remnants",
        "sender",
        "squeezed",
        "squeezed_set",
        "telling",
        "telling_set",
        "title_tokens",
        "track_number",
        "types",
        "uploaded",
        "versions",
        "whole_title",
        "with_artist",
        "written",
    )  # fmt: skip

    def __init__(self, record: LinkageRecord) -> None:
        self._mastering: Mastering | tuple[VersionPart, ...]
        self.track_number = record.track_number
        self.explicit = record.explicit
        self.instrumental = record.instrumental
        self.sender = sender_of(record)
        self.identified = is_identified(record)
        readings = record.readings
        spelt = tuple(in_one_spelling(reading.base) for reading in readings)
        self.are_long = tuple(map(_is_long, spelt))
        self.bases = tuple(map(without_article, spelt))
        self.all_bases = "|".join(self.bases[:3])
        self.squeezed = tuple(base.replace(" ", "") for base in self.bases)
        self.with_artist = _with_artist(readings, self.squeezed)
        self.squeezed_set = frozenset(self.squeezed)
        self.halves = (
            halves_of(readings[0].source_text, readings[0].base)
            if readings and MAY_HAVE_ONE.search(readings[0].source_text)
            else None
        )
        self.title_tokens = tuple(frozenset(base.split()) for base in self.bases)
        self.any_title_token = frozenset[str]().union(*self.title_tokens[:3])
        self.joined = _joined(self.bases[:3])
        self.telling = tuple(map(what_it_tells, self.bases[:3]))
        self.telling_set = frozenset(filter(None, self.telling))
        names = [fold_diacritics(name) for name in record.artists]
        self.given_names = _to_find(names)
        if readings and readings[0].artist:
            names.append(fold_diacritics(readings[0].artist))
        names = [name for name in names if name and not _is_nobody(name)]
        # That a channel is the artist's own shows where the title names the artist too.
        who = (readings[0].artist if readings else None) or ""
        self.of_platform = record.source_kind is SourceKind.video_platform
        self.uploaded = self.of_platform and not any(same_name(name, who) for name in record.artists)
        self.names = _to_find(names) if readings and readings[0].artist else self.given_names
        self.artist_forms = tuple(dict.fromkeys(map(name_form, names)))
        self.artists = frozenset(form.key for form in self.artist_forms if form.generation is None)
        guests = (name_form(fold_diacritics(name)).key for name in record.guests)
        self.guests = frozenset(guests) if record.guests else frozenset()
        self.findable = tuple(name for name in self.artists if len(name) >= LONG_ENOUGH_TO_FIND)
        self.artist_ids = frozenset(record.artist_ids)
        self.contributor_forms = tuple(map(name_form, record.contributors))
        self.contributors = frozenset(form.key for form in self.contributor_forms) - _NOBODY
        self.albums = frozenset(fold_diacritics(album).replace(" ", "") for album in record.albums)
        # Some senders drop what is not Latin: of "青い扉" nothing is left, or "!!".
        self.legible_albums = tuple(album for album in self.albums if any(map(str.isalnum, album)))
        self.remnants = frozenset(filter(None, map(remnant, record.albums)))
        self.album_names = tuple(filter(None, map(_album_name, record.albums)))
        self.media_kind = readings[0].media_kind if readings else None
        self.written = fold_diacritics(normalize_text(readings[0].source_text)) if readings else ""
        self.whole_title = self.written.replace(" ", "")
        # "[silence]", "[untitled]": what stands in brackets alone is no title.
        self.described = bool(readings and _BRACKET_ALONE.fullmatch(readings[0].source_text))
        self._on_albums = record.albums
        self.versions = tuple(_statements(record, index) for index in range(max(1, len(readings))))
        self.types = tuple(identity_types(versions.values()) for versions in self.versions)
        self._mastering = readings[0].versions if readings else ()
        numbers: dict[str, set[str]] = {}
        for number in readings[0].numbers if readings else ():
            if _is_identity(number):
                numbers.setdefault(number.scheme, set()).add(number.value)
        self.numbers = numbers
        self.named_by_form = named_by_form(readings[0].base) if readings else None
        self.pieces = _pieces(readings) if any(map(_names_work, numbers)) else ()
        self.keyless = (
            tuple(
                without_keys(base, reading.source_text).replace(" ", "")
                for reading, base in zip(readings, self.bases, strict=True)
            )
            if any(piece.keys for piece in self.pieces)
            else None
        )
        self.given = sum(bit for bit, value in _told(record) if value)

    # What few pairs ask for is read when it is asked for.

    @property
    def album_types(self) -> frozenset[str]:
        """What whole albums of it are said to be."""
        read = map(read_version, self._on_albums)
        return identity_types(part for parts in read for part in parts) & OF_WHOLE_ALBUMS

    @property
    def mastering(self) -> Mastering:
        """What is said of its mastering."""
        if not isinstance(self._mastering, Mastering):
            self._mastering = _mastering(self._mastering, [*map(read_version, self._on_albums)])
        return self._mastering


def _is_long(base: str) -> bool:
    """Say whether a title is too long for two works to share it by chance."""
    return len(base.replace(" ", "")) >= _MANY_LETTERS or len(set(base.split())) >= _MANY_WORDS


_MANY_LETTERS, _MANY_WORDS = 10, 3


def _joined(bases: Sequence[str]) -> frozenset[str]:
    """Write each two neighbouring words of titles together, as some write them; short ones are chance."""
    return frozenset(
        one + other
        for base in bases
        for one, other in itertools.pairwise(base.split())
        if len(one) + len(other) >= _LONG_WORD
    )


_LONG_WORD = 8


def _names_work(scheme: str) -> bool:
    return scheme in WORK_SCHEMES or scheme.startswith("catalogue:")


def _pieces(readings: Sequence[TitleReading]) -> tuple[Piece, ...]:
    """Read the piece of each title that the record has."""
    first = {reading.source_text: reading.base for reading in reversed(readings)}
    read = (read_piece(text, base) for text, base in reversed(first.items()))
    return tuple(dict.fromkeys(piece for piece in read if piece is not None))


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


def _to_find(names: Sequence[str]) -> tuple[str, ...]:
    """Give the names long enough to be found in titles, as titles are spelt; also without article."""
    spelt = [in_one_spelling(name) for name in names if not _is_nobody(name)]
    both = (form for name in spelt for form in (name, without_article(name)))
    return tuple(dict.fromkeys(form for form in both if len(form) >= LONG_ENOUGH_TO_FIND))


_EDITION = frozenset(
    "deluxe edition version explicit clean edited single ep lp remaster remastered bonus track tracks"
    " expanded special digital booklet video amended anniversary original motion picture soundtrack ost album"
    " vinyl cd".split()
)
"""Words that senders add to the name of one album."""


@lru_cache(maxsize=8_192)  # the tracks of an album all name it
def _album_name(album: str) -> str | None:
    """Give an album's name without words for its edition; none for one too short to be found in a title."""
    words = in_one_spelling(fold_diacritics(album)).split()
    while len(words) > 1 and (words[-1] in _EDITION or words[-1].isdigit()):
        words.pop()
    name = " ".join(words)
    return name if len(name) >= LONG_ENOUGH_TO_FIND else None


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


def _mastering(parts: Sequence[VersionPart], on_albums: Sequence[tuple[VersionPart, ...]]) -> Mastering:
    """Collect what is said of the mastering: the title first, then what every album of it says."""
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
        for eldest in [*itertools.islice(_CACHE, _CACHE_SIZE // 4)]:
            _CACHE.pop(eldest, None)
    prepared = Prepared(record)
    # Called before the memory, and with it the id, is given to another record.
    _CACHE[name] = ref(record, lambda _gone: _CACHE.pop(name, None)), prepared
    return prepared


LONG_ENOUGH_TO_FIND = 5
