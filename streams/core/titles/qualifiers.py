"""One qualifier: the inside of brackets, or what follows a spaced separator."""

import re
from functools import lru_cache
from typing import NamedTuple

from streams.core.markers import (
    CREDITED,
    ENDING_NOISE,
    FEATURED,
    FILLERS,
    MEDIA,
    NOISE,
    PERFORMED_BY,
    TAKEN_FROM,
    WEAK_MEDIA,
)
from streams.core.normalize import normalize_name, split_names
from streams.core.phrases import Found, Phrases, tokens_of
from streams.core.records import VersionPart
from streams.core.versions import read_version

_NOISE, _FILLER = "noise", "filler"
_SHOWN = Phrases({**MEDIA, _NOISE: NOISE, _FILLER: FILLERS})
_CREDITED = Phrases({"credit": CREDITED})
_FEATURED = Phrases({"feature": FEATURED})
_PERFORMED = Phrases({"by": PERFORMED_BY})
_TAKEN_FROM = Phrases({_NOISE: TAKEN_FROM})
_ENDING_NOISE = Phrases({_NOISE: ENDING_NOISE})
_SLASHED = re.compile(r"(?i)(?<![^\W_])[fw]/\s*(?=\w)")
_COUNTED = re.compile(r"(?<![^\W_])(?:\d{4}|\d{1,3}(?:st|nd|rd|th))(?![^\W_])")
_DATED = re.compile(r"(?<!\d)(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d\d)|\d{4}-\d\d-\d\d)(?!\d)")
_ON_STAGE = re.compile(r"(?i)(?:performance|broadcast|aufführung|исполнение)$")
_PERFORMED_IN = re.compile(
    r"(?i)^(?=.*(?<!\d)(?:1[89]|20)\d\d(?!\d))(?:recorded\b.*|.*\b(?:performance|broadcast|recording|aufnahme|aufführung"
    r"|enregistrement|registrazione|grabación|gravação|запись|исполнение))$"
)
_PART = re.compile(r"(?i)part(?!\.)|part\.?\s*(?:\d|[ivx]+\b)")
_TOGETHER = re.compile(r"(?<=\w) ile$")
"""Turkish says "with" behind the name."""
_SAID_ALL_THE_SAME = frozenset({"explicit", "stereo", "mono"})
"""Types that are kept of a qualifier which is noise."""
_LONGEST_NAME = 4
_MOST_WORDS = 6
"""A longer qualifier that speaks of a video is a sentence, and no kind of it."""


class Qualifier(NamedTuple):
    """What a qualifier says; nothing where it is not understood."""

    versions: tuple[VersionPart, ...] = ()
    credits: tuple[str, ...] = ()
    media_kind: str | None = None
    noise: bool = False
    performer: str | None = None

    @property
    def understood(self) -> bool:
        """Whether it says anything that is known."""
        return bool(self.versions or self.credits or self.media_kind or self.noise or self.performer)

    @property
    def role(self) -> str:
        """What most of it is, for a span."""
        if self.versions:
            return f"version:{self.versions[0].type}"
        return (
            "credit"
            if self.credits or self.performer
            else f"media:{self.media_kind}"
            if self.media_kind
            else "noise"
        )


def featured_from(text: str) -> tuple[int, int] | None:
    """Find a word of credit inside a text: where it begins, and where the names do."""
    slashed = _SLASHED.search(text)
    found = [one for one in _FEATURED.find(text) if text[one.end :].strip(" .:")]
    places = [(one.start, one.end) for one in found] + ([slashed.span()] if slashed else [])
    return min(places, default=None)


@lru_cache(maxsize=8_192)
def read_qualifier(text: str, *, language: str | None = None, video: bool = False) -> Qualifier:
    """Understand one qualifier.

    Parameters
    ----------
    text : str
        cleaned
    language : str, optional
        of the sender
    video : bool
        the title comes from a video platform, where "(by Somebody)" tells who performs
    """
    words = tokens_of(text)
    if not words:
        return Qualifier(noise=True)
    if not words[0].text.isascii() or len(words) <= 12:
        shown = _read_shown(text)
        if shown is not None:
            return shown
    if performer := _performer(text, video=video):
        name, versions = performer
        return Qualifier(versions=versions, performer=name)
    if names := _credit(text):
        return Qualifier(credits=names)
    if (
        (place := featured_from(text))
        and place[0] > 0
        and (names := split_names(text[place[1] :].lstrip(" .:")))
    ):
        before = text[: place[0]].strip(" ,-/")
        told = read_qualifier(before, language=language, video=video) if before else Qualifier(noise=True)
        if told.understood:
            return told._replace(credits=names)
        # "(Somebody feat. Another)" credits both; what is longer is no name.
        if len(tokens_of(before)) <= _LONGEST_NAME and not re.search(r"[(\[:]", before):
            return Qualifier(credits=(*split_names(before), *names))
        return Qualifier()
    taken = any(found.start == words[0].start for found in _TAKEN_FROM.find(text)) and len(words) > 1
    if taken or any(found.end == words[-1].end for found in _ENDING_NOISE.find(text)):
        return Qualifier(noise=True)
    versions = read_version(text, language=language) if language else read_version(text)
    if not versions and _PERFORMED_IN.search(text):
        kind = "live" if _ON_STAGE.search(text) else "other"
        versions = (VersionPart(type=kind, text=text, detail=" ".join(re.findall(r"\w+", text.casefold()))),)
    if not versions and _DATED.search(text):
        # A day names a performance.
        versions = (
            VersionPart(type="live", text=text, detail=" ".join(re.findall(r"\w+", text.casefold()))),
        )
    return Qualifier(versions=versions, media_kind=_strong_kind(text) if len(words) <= _MOST_WORDS else None)


def _read_shown(text: str) -> Qualifier | None:
    """Read a qualifier made of nothing but words for how a title is shown; none where it says more."""
    found = _SHOWN.find(text)
    counted = _COUNTED.search(text)
    telling = [one for one in found if one.name != _FILLER]
    if not telling and not counted:
        return None
    if re.search(r"[^\W_]", _COUNTED.sub(" ", _without(text, found))):
        return None
    versions = tuple(part for part in read_version(text) if part.type in _SAID_ALL_THE_SAME)
    return Qualifier(versions=versions, media_kind=_first_kind(telling), noise=True)


def _strong_kind(text: str) -> str | None:
    found = [one for one in _SHOWN.find(text) if one.name in MEDIA]
    strong = [one for one in found if text[one.start : one.end].lower() not in WEAK_MEDIA]
    return _first_kind(strong)


def _first_kind(found: list[Found]) -> str | None:
    names = {one.name for one in found}
    return next((name for name in MEDIA if name in names), None)


def _without(text: str, found: list[Found]) -> str:
    for one in found:
        text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
    return text


def _credit(text: str) -> tuple[str, ...]:
    """Give the names of a qualifier that begins with a word of credit."""
    slashed = _SLASHED.match(text.lstrip())
    if slashed:
        return split_names(text.lstrip()[slashed.end() :])
    first = tokens_of(text)[0].start
    if together := _TOGETHER.search(text):
        return split_names(text[: together.start()])
    ends = [found.end for found in _CREDITED.find(text) if found.start == first]
    names = text[max(ends) :].lstrip(" .:") if ends else ""
    if not re.search(r"\w", names) or _PART.match(text, first):
        return ()
    return split_names(names)


_KIND_OF_COVER = re.compile(r"(?i)^(?:[^\W\d_]+\s){1,2}(?=cover(?:ed)? by\s)")


def _performer(text: str, *, video: bool) -> tuple[str, tuple[VersionPart, ...]] | None:
    """Give who performs, of "performed by Somebody" and "piano cover by Somebody"."""
    kind = _KIND_OF_COVER.match(text)
    first = kind.end() if kind else tokens_of(text)[0].start
    for found in sorted(_PERFORMED.find(text), key=lambda one: -one.end):
        name = normalize_name(text[found.end :].strip(" .:"))
        words = text[found.start : found.end].lower()
        if found.start == first and name and (video or words != "by"):
            return name, read_version(text[: found.end]) if words.startswith("cover") else ()
    return None
