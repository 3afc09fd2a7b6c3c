"""Declared blockers: each gives exact keys under which a record is found again.

A key is ``blocker:value``. Identifiers first, then titles; at most ``MAX_KEYS`` of a record.
"""

import itertools
from collections.abc import Iterator

from streams.core.normalize import clean_text, fold_diacritics, normalize_text, remnant
from streams.core.records import LinkageRecord
from streams.core.titles.pieces import is_catalogued, read_piece
from streams.core.titles.spelling import in_one_spelling, without_article
from streams.core.titles.subtitles import MAY_HAVE_ONE, halves_of

MAX_KEYS = 16
BLOCKERS = (
    "isrc",
    "iswc",
    "mbid",
    "acoustid",
    "proprietary",
    "video_id",
    "title_artist",
    "title",
    "title_pair",
    "piece",
    "heads",
    "artist_duration",
    "album_place",
)
_STOP = frozenset(
    "the a an of in on to and or for my your i you me it is la le les el de der die das".split()
)
_DURATION_BUCKET_MS = 4_000


def blocking_keys(record: LinkageRecord) -> tuple[str, ...]:
    """Give the keys of a record, strongest blocker first, without repeats."""
    keys: list[str] = [f"isrc:{value}" for value in record.isrcs[:4]]
    keys += [f"iswc:{value}" for value in record.iswcs[:2]]
    if record.mbid:
        keys.append(f"mbid:{record.mbid}")
    if record.acoustid:
        keys.append(f"acoustid:{record.acoustid}")
    keys += [f"proprietary:{value}" for value in record.proprietary[:2]]
    keys += [f"video_id:{value}" for value in record.video_ids[:1]]
    artists = [fold_diacritics(name) for name in record.artists[:2]]
    bases = list(dict.fromkeys(in_one_spelling(reading.base) for reading in record.readings[:3]))
    for reading in record.readings[:3]:
        title = _title(reading.base)
        for name in [reading.artist, *artists] if reading.artist else artists:
            keys.append(f"title_artist:{title}|{_squeeze(fold_diacritics(name or ''))}")
    keys += [f"title:{_title(base)}" for base in bases[:2] if _distinctive(base)]
    keys += [f"title:{_squeeze(main)}" for main in _main_title(record)]
    if bases:
        words = sorted(
            {word for word in bases[0].split() if word not in _STOP and len(word) > 1},
            key=lambda word: (-len(word), word),
        )
        keys += [f"title_pair:{'|'.join(sorted(pair))}" for pair in itertools.pairwise(words[:3])]
        if len(words) > 2:
            keys.append(f"title_pair:{'|'.join(sorted((words[0], words[2])))}")
    keys += _piece_keys(record)
    keys += _segment_keys(record, artists)
    if record.duration_ms and artists:
        bucket = (record.duration_ms + _DURATION_BUCKET_MS // 2) // _DURATION_BUCKET_MS
        # Its letters in whatever order, doubled or not: a misspelt name is found beside its length.
        letters = "".join(sorted(set(_squeeze(artists[0]))))
        keys.append(f"artist_duration:{letters}|{bucket}")
    if record.albums and record.track_number is not None:
        keys.append(f"album_place:{_squeeze(fold_diacritics(record.albums[0]))}|{record.track_number}")
        if left := remnant(record.albums[0]):
            keys.append(f"album_place:{left}|{record.track_number}")
    return tuple(dict.fromkeys(keys))[:MAX_KEYS]


def _segment_keys(record: LinkageRecord, artists: list[str]) -> list[str]:
    """Key the parts of a composite title ("Title - Album"), and the first letters for misspelt ones."""
    if not record.readings:
        return []
    first = record.readings[0]
    names = artists or ([fold_diacritics(first.artist)] if first.artist else [])
    keys: list[str] = []
    parts = [part for part in clean_text(first.source_text).split(" - ") if part]
    if len(parts) == 2:
        bases = [_title(fold_diacritics(normalize_text(part))) for part in parts]
        keys += [f"title_artist:{base}|{_squeeze(name)}" for name in names[:1] for base in bases[:1]]
        if not artists:
            keys.append(f"title_artist:{bases[0]}|{bases[1]}")
    keys += [f"heads:{_squeeze(first.base)[:4]}|{_squeeze(name)[:4]}" for name in names[:1]]
    return keys


def _piece_keys(record: LinkageRecord) -> list[str]:
    """Key a catalogued piece by its number, in whatever words, and by its place there.

    An opus has many pieces, so its number alone is no key. One in a catalogue of all works is: what that
    number counts as "No. 21" of a book stands under it alone elsewhere.
    """
    first = record.readings[0] if record.readings else None
    if first is None or not any(is_catalogued(number.scheme) for number in first.numbers):
        return []
    piece = read_piece(first.source_text, first.base)
    if piece is None:
        return []
    keys = []
    for scheme, number in sorted(piece.ids)[:2]:
        name = f"piece:{scheme.removeprefix('catalogue:')}{number}"
        if piece.path:
            keys.append(f"{name}|{'.'.join(piece.path)}")
        if scheme != "opus":
            keys.append(f"{name}|{piece.half or ''}")
    return keys


def _main_title(record: LinkageRecord) -> Iterator[str]:
    """Give a title without its subtitle, as others write it."""
    if not record.readings or not MAY_HAVE_ONE.search(record.readings[0].source_text):
        return
    halves = halves_of(record.readings[0].source_text, record.readings[0].base)
    if halves is not None and halves.bracketed and _distinctive(halves.first):
        yield halves.first


def _title(base: str) -> str:
    """Write a base title as it is compared."""
    return _squeeze(without_article(in_one_spelling(base)))


def _squeeze(text: str) -> str:
    return text.replace(" ", "")


def _distinctive(base: str) -> bool:
    return " " in base or len(base) >= 8 or not base.isascii()
