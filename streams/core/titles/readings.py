"""The likeliest readings of a title, best first, each with where its pieces stand in what was written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from streams.core.normalize import clean_text, fold_diacritics, normalize_name, normalize_text
from streams.core.records import Kind, TitleReading, TypedNumber, VersionPart
from streams.core.titles.loose import loose_stretches
from streams.core.titles.numbers import numbers_in, read_numbers
from streams.core.titles.qualifiers import featured_from
from streams.core.titles.stripping import SEPARATOR, Stripped, brackets_in, same_name, strip_title
from streams.core.versions import read_version

MAX_READINGS = 4

_TRACK_PREFIX = re.compile(
    r"^\s*(?:(?P<sure>\d{1,2}\.\s+|[A-Z]{1,2}\d\.\s+|0\d\s*-\s*|0\d\s+|\d{1,3}-\s*(?=\D))"
    r"|\d{3}\.\s+|[AB]\d\s+(?=\w))"
)
_QUOTED = re.compile(
    r"^(?P<artist>[^\"\[]+?)\s*(?:\"(?P<a>[^\"]+)\"|\[(?P<b>[^\]]+)\])\s*(?:\[[^\]]*\]\s*)*$"
)
_GLUED_MEDIA = re.compile(r"(?<=\w)[MP]V$")
_TAG = re.compile(r"^\s*\[[^\]]*\]\s*(?=\S)")
_TYPED_WORDS = frozenset({"live", "remix", "cover", "demo", "edit", "karaoke"})


@dataclass(frozen=True, slots=True)
class TitleSpan:
    """Where a piece of a title stands in the text as it was written.

    Attributes
    ----------
    role : str
        title, artist, credit, noise, version:<type>, media:<kind>, number:<scheme>
    start, end : int
        characters
    """

    role: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SpannedReading:
    """A reading and where its pieces stand."""

    reading: TitleReading
    spans: tuple[TitleSpan, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """What one reading takes for the title, as a stretch of the cleaned text."""

    reading: TitleReading
    title: tuple[int, int]
    artist: tuple[int, int] | None
    stripped: bool


def read_title(
    text: str,
    *,
    artist: str | None = None,
    kind: Kind = Kind.recording,
    video: bool = False,
    version: str | None = None,
    language: str | None = None,
    composers: tuple[str, ...] = (),
) -> tuple[TitleReading, ...]:
    """Read a title, best reading first.

    Parameters
    ----------
    text : str
        as written
    artist : str, optional
        the main artist or channel, to recognise "Artist - Title"
    kind : Kind
        videos are read as "Artist - Title" where they can be
    video : bool
        the title comes from a video platform whatever the kind
    version : str, optional
        a version text sent in a field of its own
    language : str, optional
        of the sender, for words that are a version in one language only
    composers : tuple of str
        normalised, to recognise "Composer: Work"

    Returns
    -------
    readings : tuple of TitleReading, 1..4
        empty only for an empty text. ``base`` is normalised, with accents folded and never empty
    """
    choices, _ = _choices(text, artist, video or kind is Kind.music_video, version, language, composers)
    return tuple(choice.reading for choice in choices)


def read_spans(
    text: str,
    *,
    artist: str | None = None,
    kind: Kind = Kind.recording,
    video: bool = False,
    version: str | None = None,
    language: str | None = None,
    composers: tuple[str, ...] = (),
) -> tuple[SpannedReading, ...]:
    """Read a title as :func:`read_title` does, and say where each piece stands in the text as written."""
    choices, taken = _choices(text, artist, video or kind is Kind.music_video, version, language, composers)
    cleaned = _cleaned(text)
    numbers = [(f"number:{number.scheme}", start, end) for number, start, end in numbers_in(cleaned)]
    found: list[SpannedReading] = []
    for choice in choices:
        pieces = [("title", *choice.title), *numbers, *(taken if choice.stripped else ())]
        if choice.artist:
            pieces.append(("artist", *choice.artist))
        spans = (TitleSpan(role, *_written(start, end, cleaned, text)) for role, start, end in pieces)
        found.append(
            SpannedReading(choice.reading, tuple(sorted(spans, key=lambda span: (span.start, span.end))))
        )
    return tuple(found)


_LOST_APOSTROPHE = re.compile(r"(?<=[^\W\d_])  (?=(?:s|t|m|d|ve|re|ll)(?![^\W_]))", re.IGNORECASE)
_LOST_SIGNS = re.compile(r"(?<=\S) {3,}(?=\S)")


def _cleaned(text: str) -> str:
    """Clean a title and put back what no file name may hold: "It  s So   Remix" is "It's So - Remix"."""
    if "  " in text:
        text = _LOST_SIGNS.sub(" - ", _LOST_APOSTROPHE.sub("'", text.strip()))
    return clean_text(text)


def _written(start: int, end: int, cleaned: str, text: str) -> tuple[int, int]:
    """Find where a stretch of the cleaned text stands in the text as it was written."""
    if cleaned == text:
        return start, end
    first, last = len(text), 0
    for step in Levenshtein.opcodes(cleaned, text):
        if step.src_start < end and start < step.src_end:
            shift = step.dest_start - step.src_start if step.tag == "equal" else 0
            first = min(first, max(start, step.src_start) + shift if step.tag == "equal" else step.dest_start)
            last = max(last, min(end, step.src_end) + shift if step.tag == "equal" else step.dest_end)
        elif step.src_start == step.src_end and start < step.src_start < end:
            first, last = min(first, step.dest_start), max(last, step.dest_end)
    return (first, last) if first < last else (0, 0)


@lru_cache(maxsize=16_384)
def _choices(
    text: str,
    artist: str | None,
    video: bool,
    version: str | None,
    language: str | None,
    composers: tuple[str, ...],
) -> tuple[tuple[_Choice, ...], tuple[tuple[str, int, int], ...]]:
    cleaned = _cleaned(text)
    if not cleaned:
        return (), ()
    name = normalize_name(artist) if artist else None
    stripped = strip_title(cleaned, name, video=video, language=language)
    extra = (
        (read_version(version, language=language) or (VersionPart(type="other", text=version),))
        if version
        else ()
    )
    list_of = _Readings(text, stripped, read_numbers(cleaned), extra)
    for start, end, who in _stretches(
        stripped.text, name, video=video, performer=stripped.performer, composers=composers
    ):
        list_of.add(stripped.text, (start, end), who)
    if stripped.bare is not None:
        list_of.add(stripped.bare, _trimmed(stripped.bare, 0, len(stripped.bare)), None, whole=True)
    doubtful = stripped.performer or any(part.type in _TYPED_WORDS for part in stripped.versions)
    if doubtful or not list_of.found:
        # The known song may itself be the remix: the words may belong to the title.
        list_of.add(cleaned, (0, len(cleaned)), None, whole=True)
    return tuple(list_of.found[:MAX_READINGS]), tuple(stripped.spans)


class _Readings:
    """Readings in the order of their likelihood, without repeats."""

    def __init__(
        self,
        source: str,
        stripped: Stripped,
        numbers: tuple[TypedNumber, ...],
        extra: tuple[VersionPart, ...],
    ) -> None:
        self.found: list[_Choice] = []
        self._source = source
        self._stripped = stripped
        self._numbers = numbers
        self._versions = tuple(stripped.versions) + extra
        self._extra = extra
        self._credits = tuple(dict.fromkeys(stripped.credits))

    def add(
        self,
        text: str,
        title: tuple[int, int],
        artist: tuple[int, int] | None,
        *,
        whole: bool = False,
    ) -> None:
        base = fold_diacritics(normalize_text(text[slice(*title)]))
        who = self._stripped.performer or (_name(text[slice(*artist)]) if artist else None)
        versions = self._extra if whole else self._versions
        if not base or any(
            (one.reading.base, one.reading.artist, one.reading.versions) == (base, who, versions)
            for one in self.found
        ):
            return
        reading = TitleReading(
            base=base, versions=versions, numbers=self._numbers, credits=self._credits, artist=who,
            media_kind=self._stripped.media_kind, source_text=self._source,
        )  # fmt: skip
        self.found.append(_Choice(reading, title, artist, not whole))


def _name(text: str) -> str:
    featured = featured_from(text)
    text = text[: featured[0]] if featured and featured[0] > 0 else text
    return normalize_name(text.strip(" -:"))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " -|,":
        start += 1
    while start < end and text[end - 1] in " -|,":
        end -= 1
    return start, end


def _unglued(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out a media kind that is written on to a name before or within quotes."""
    glued = _GLUED_MEDIA.search(text[start:end])
    return start, start + glued.start() if glued else end


def _stretches(
    text: str, name: str | None, *, video: bool, performer: str | None, composers: tuple[str, ...]
) -> Iterable[tuple[int, int, tuple[int, int] | None]]:
    """Give what may be the title and what may be the artist, best first."""
    start, end = _trimmed(text, 0, len(text))
    quoted = _QUOTED.match(text[start:end]) if video else None
    if quoted:
        group = "a" if quoted["a"] else "b"
        between = SEPARATOR.search(quoted["artist"])
        if not between or quoted["a"]:
            close = start + (between.start() if between else quoted.end("artist"))
            yield (*_unglued(text, start + quoted.start(group), start + quoted.end(group)),
                   _unglued(text, start, close))  # fmt: skip
    prefix = _TRACK_PREFIX.match(text[start:end]) if end - start > 4 else None
    begin = start + prefix.end() if prefix else start
    separators = [(m.start(), m.end()) for m in SEPARATOR.finditer(text, start, end) if m.start() > start]
    # "[Genre] Artist - Title", "Artist - Title [Label]": a tag on a platform is no part of either.
    if video and separators:
        if tag := _TAG.match(text[begin:end]):
            yield from _around(text, begin + tag.end(), end, name, video=video)
        *_, last = [(0, 0), *brackets_in(text[:end])]
        if last[1] == end and text[last[0]] == "[" and last[0] > separators[0][1]:
            yield from _around(text, begin, _trimmed(text, 0, last[0])[1], name, video=video)
    if composers and (place := re.search(r":\s", text[begin:end])):
        who = normalize_name(text[begin : begin + place.start()])
        if any(who == composer or who == composer.rsplit(" ", 1)[-1] for composer in composers):
            yield begin + place.end(), end, None
    if prefix and prefix["sure"]:
        yield from _around(text, begin, end, name, video=video)
    yield from _around(text, start, end, name, video=video)
    if prefix:
        yield begin, end, None
    yield start, end, None
    if video and not separators:
        for title, performer_of_it in loose_stretches(text, begin, end):
            yield *_trimmed(text, *title), _trimmed(text, *performer_of_it)


def _around(
    text: str, start: int, end: int, name: str | None, *, video: bool
) -> Iterable[tuple[int, int, tuple[int, int] | None]]:
    """Read a stretch as "Artist - Title", or the other way round."""
    separators = [m for m in SEPARATOR.finditer(text, start, end) if m.start() > start]
    if not separators:
        return
    if video and not name and len(separators) > 1 and all("|" in m.group() for m in separators):
        yield start, separators[0].start(), None  # "Title | Singer | Film"
    first = separators[0]
    left, right = _trimmed(text, start, first.start()), _trimmed(text, first.end(), end)
    if name and same_name(_name(text[slice(*left)]), name):
        yield *right, left
    elif name and same_name(_name(text[slice(*right)]), name):
        yield *left, right
    elif video and "/" in first.group() and not text.isascii():
        yield *left, right  # as Japanese platforms write it
        yield *right, left
    elif video or (not name and len(separators) == 1 and " - " in first.group()):
        yield *right, left
        yield *left, right
