"""Taking what is understood off a title; what is not understood stays.

What is taken is blanked and not cut, so that every place in the text stays where it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.core.markers import (
    ANY_MIX,
    ANY_VERSION,
    LIVING,
    STAGED,
    TRAILING,
    TRAILING_OF_VIDEOS,
    TRAILING_VERSIONS,
    VERSIONS,
)
from streams.core.normalize import fold_diacritics, normalize_name, split_names
from streams.core.phrases import Phrases, tokens_of
from streams.core.records import VersionPart
from streams.core.titles.qualifiers import Qualifier, featured_from, read_qualifier
from streams.core.versions import read_version

SEPARATOR = re.compile(r"\s+(?:-+|\||/|•|·|::?)\s+|\s*\|\s*|:\s+(?=live\b)", re.IGNORECASE)
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_SIGNS = re.compile(r"[()\[\]{}<>]")
_WAVES = re.compile(r"~([^~]+)~\s*$")
_DASHES = re.compile(r"(?<=\s)-(?=\S)([^-]+)(?<=\S)-\s*$")
_QUOTED_WORD = re.compile(r'"([^"]+)"\s*$')
_FILE = re.compile(
    r"(?i)\.(?:avi|wmv|mpe?g|flv|mp[34]|mov|mkv|m4[av]|wav|flac|ogg|opus|webm|wma|aac|vob|divx|3gp)\s*$"
)
_STARRED = re.compile(r"(?i)\*+\s*(?:new|hot|exclusive|official|hd|hq|premiere)\s*\*+")
_TRAILING = Phrases({"shown": TRAILING})
_TRAILING_VERSIONS = Phrases({"version": TRAILING_VERSIONS})
_STAGED = Phrases({"live": STAGED})
_CLOSING = Phrases(
    {name: VERSIONS[name] for name in ("remix", "edit", "remaster", "session", "album", "mix")}
    | {"any": ANY_VERSION, "any_mix": ANY_MIX}
)
_OPENING = Phrases({name: VERSIONS[name] for name in ("live", "acoustic", "demo", "session", "rerecording")})
_WHOLE = Phrases(VERSIONS)
_OWN_VERSION = re.compile(r"(?i)\w+['’]s version$")
_ALONE = frozenset({"remix", "mashup", "karaoke", "dj_mix", "ai_voice", "parody", "instrumental"})
"""Types of which one word at the start of a segment says what it is: "Remix by Somebody"."""
_PLACED = re.compile(
    r"(?i)^\s*(?:$|[/,@(]|\d|(?:at|in|from|on|for|aus|im|bei|em|no|na|en|desde|à|au|dal|version|session|recorded)(?![^\W_]))"
)
_ARTICLES = frozenset("the a an la le el il lo der die das o os as los las les".split())
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


@dataclass(slots=True)
class Stripped:
    """A title with what is understood blanked.

    Attributes
    ----------
    text : str
        as long as the cleaned title
    spans : list of (str, int, int)
        role, start and end of what was taken
    bare : str, optional
        the text before words were taken that stood without brackets
    """

    text: str
    versions: list[VersionPart] = field(default_factory=list)
    credits: list[str] = field(default_factory=list)
    media_kind: str | None = None
    performer: str | None = None
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    bare: str | None = None

    def take(self, piece: Qualifier, start: int, end: int, *, bare: bool = False) -> None:
        """Keep what a stretch says, and blank it."""
        self.versions.extend(piece.versions)
        self.credits.extend(piece.credits)
        self.media_kind = self.media_kind or piece.media_kind
        self.performer = self.performer or piece.performer
        if bare and self.bare is None:
            self.bare = self.text
        self.blank(piece.role, start, end)

    def blank(self, role: str, start: int, end: int) -> None:
        """Take a stretch off."""
        self.spans.append((role, start, end))
        self.text = self.text[:start] + " " * (end - start) + self.text[end:]


def same_name(left: str, right: str) -> bool:
    """Say whether two normalised names are one, written together or with more words."""
    a, b = fold_diacritics(left).replace(" ", ""), fold_diacritics(right).replace(" ", "")
    return bool(a) and (a == b or (len(a) > 3 and len(b) > 3 and (a in b or b in a)))


def strip_title(cleaned: str, name: str | None, *, video: bool, language: str | None) -> Stripped:
    """Take understood brackets and trailing segments off a cleaned title.

    Parameters
    ----------
    cleaned : str
    name : str, optional
        normalised, of who performs
    video : bool
        from a video platform
    language : str, optional
        of the sender
    """
    title = Stripped(cleaned)
    for pattern in (_FILE, _STARRED):
        if (match := pattern.search(title.text)) and title.text[: match.start()].strip():
            title.blank("noise", *match.span())
    _take_brackets(title, video=video, language=language)
    while (
        _take_segment(title, name, video=video, language=language)
        or _take_featured(title)
        or _take_trailing(title, video=video)
    ):
        pass
    return title


def brackets_in(text: str) -> Iterator[tuple[int, int]]:
    """Find the outermost pairs of brackets, and what waves, dashes or quotes close the text."""
    open_at: list[tuple[str, int]] = []
    for match in _SIGNS.finditer(text):
        sign = match.group()
        if sign in _PAIRS:
            open_at.append((_PAIRS[sign], match.start()))
        elif any(closing == sign for closing, _ in open_at):
            while open_at:
                closing, start = open_at.pop()
                if closing == sign:
                    break
            if not open_at:
                yield start, match.end()
    for pattern in (_WAVES, _DASHES, _QUOTED_WORD):
        last = pattern.search(text)
        if last and last.start() > 0:
            yield last.start(), last.end(1) + 1


def _take_brackets(title: Stripped, *, video: bool, language: str | None) -> None:
    last = 0
    for start, end in brackets_in(title.text):
        quoted = title.text[start] == '"'
        piece = read_qualifier(title.text[start + 1 : end - 1].strip(), language=language, video=video)
        if quoted and not piece.versions:
            continue
        # A bracket that opens the title is part of it: (I Can't Get No) Satisfaction.
        if title.text[:start].strip():
            if piece.understood:
                title.take(piece, start, end)
                last = end
        elif (piece.media_kind or piece.noise or _is_tag(title.text[start:end], video=video)) and title.text[
            end:
        ].strip():
            title.take(piece, start, end)
    # "Title (cover by Somebody) Studio": what is left behind the last bracket, if it is all qualifier.
    rest = title.text[last:]
    if last and rest.strip() and not SEPARATOR.search(rest):
        piece = read_qualifier(rest.strip())
        if piece.noise or (piece.versions and _covered(rest)):
            title.take(piece, last, len(title.text))


def _is_tag(bracket: str, *, video: bool) -> bool:
    """Say whether what opens a title is the version of what follows: "[Live] Title"."""
    return video and bracket[0] == "[" and _covered(bracket)


def _covered(text: str) -> bool:
    """Say whether a text is made of words for versions alone."""
    rest = text
    for found in _WHOLE.find(text):
        rest = rest[: found.start] + " " * (found.end - found.start) + rest[found.end :]
    return not re.search(r"[^\W\d_]", rest)


def _take_segment(title: Stripped, name: str | None, *, video: bool, language: str | None) -> bool:
    """Take the last segment if it qualifies the title: "Title - Live at the Mill"."""
    separators = list(SEPARATOR.finditer(title.text.rstrip()))
    if not separators or not title.text[: separators[-1].start()].strip():
        return False
    last = separators[-1]
    head, tail = title.text[: last.start()], title.text[last.end() :].strip()
    piece = read_qualifier(tail, language=language, video=video)
    if not piece.understood or not _qualifies(piece, tail, head, name, video=video):
        return False
    title.take(piece, last.start(), len(title.text))
    return True


def _qualifies(piece: Qualifier, tail: str, head: str, name: str | None, *, video: bool) -> bool:
    """Tell "Title - Live at the Mill" from "Artist - Live Forever"."""
    credited = featured_from(tail) if piece.credits else None
    if credited and credited[0] > 0 and not piece.versions:
        return False  # "Artist - Title feat. Another": what stands before the word is the title
    if piece.noise or piece.credits or piece.performer:
        return True
    third = SEPARATOR.search(head.strip()) is not None
    if name and not third and same_name(normalize_name(head), name):
        return False
    if piece.versions:
        # What stands behind a title that is set apart from its artist can hardly be another title.
        if (third or (name and not video)) and _announces(tail):
            return True
        # Of two that only one is a name, "Artist - Title Remix" on a platform is the likelier.
        unsure = video and name is None and any(part.detail for part in piece.versions)
        return _is_version(tail) and not (unsure and piece.versions[-1].type in {"remix", "alternative"})
    return not tail.isascii()


def _is_version(tail: str) -> bool:
    """Say whether a segment that holds a word for a version is about it."""
    words = tokens_of(tail)
    if len(words) == 1 or _YEAR.search(tail) or _covered(tail):
        return True
    last = words[-1] if not words[-1].text.isdigit() else words[-2]
    if any(found.end == last.end for found in _CLOSING.find(tail)):
        return True
    opening = [found.end for found in _OPENING.find(tail) if found.start == words[0].start]
    return bool(opening and _PLACED.match(tail[max(opening) :]))


def _announces(tail: str) -> bool:
    """Say whether a segment begins or ends with a version: "Mixed by Somebody", "Somebody's Version"."""
    if _OWN_VERSION.search(tail):
        return True
    words = [word for word in tokens_of(tail) if word.text not in _ARTICLES]
    if not words:
        return False
    first, last = words[0].start, words[-1].end
    return any(
        (found.end == last and found.name not in {"live", "clean"})
        or (
            found.start == first
            and (found.name in _ALONE or len(tokens_of(tail[found.start : found.end])) > 1)
        )
        for found in _WHOLE.find(tail)
    )


def _take_featured(title: Stripped) -> bool:
    place = featured_from(title.text)
    if place is None or not title.text[: place[0]].strip(" ,-"):
        return False
    tail = title.text[place[1] :]
    cut = SEPARATOR.search(tail)
    end = place[1] + (cut.start() if cut else len(tail))
    names = split_names(title.text[place[1] : end].lstrip(" .:"))
    if not names:
        return False
    title.credits.extend(names)
    title.blank("credit", place[0], end)
    return True


def _take_trailing(title: Stripped, *, video: bool) -> bool:
    """Take what stands at the end without brackets: "official video", "ao vivo", "live at the Mill"."""
    text = title.text.rstrip(" -|,")
    words = tokens_of(text)
    if len(words) < 2:
        return False
    for phrases in (_TRAILING, _TRAILING_VERSIONS):
        ends = [
            found for found in phrases.find(text) if found.end >= len(text.rstrip(" .)]")) and found.start > 0
        ]
        ends = [
            found
            for found in ends
            if video or text[found.start : found.end].lower() not in TRAILING_OF_VIDEOS
        ]
        found = min(ends, key=lambda one: one.start, default=None)
        if found and any(word.text not in _ARTICLES for word in words if word.end <= found.start):
            piece = read_qualifier(text[found.start : found.end])
            if phrases is _TRAILING:
                piece = Qualifier(media_kind=piece.media_kind, noise=True)
            title.take(piece, found.start, found.end, bare=True)
            return True
    for found in _STAGED.find(text):
        before = [word.text for word in words if word.end <= found.start]
        place = text[found.end :].strip()
        if before and before[-1] not in LIVING and place and not place[0].islower():
            stretch = text[found.start :]
            title.take(Qualifier(versions=read_version(stretch)), found.start, len(text), bare=True)
            return True
    return False
