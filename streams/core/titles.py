# ruff: noqa: E501 - tables of words and their patterns read better unbroken
"""Read what people write as a title: base, typed versions, credits, typed numbers, media kind; n-best."""

import re
from functools import lru_cache
from typing import NamedTuple

from streams.core.normalize import clean_text, fold_diacritics, normalize_name, normalize_text, split_names
from streams.core.records import Kind, TitleReading, TypedNumber, VersionPart
from streams.core.versions import read_version

MAX_READINGS = 4

_BRACKET = re.compile(r"\(([^()\[\]{}]*)\)|\[([^()\[\]{}]*)\]|\{([^()\[\]{}]*)\}|<([^<>]*)>|~([^~]+)~\s*$")
_SEPARATOR = re.compile(r"\s+(?:-+|\||/|•|·|::?)\s+|\s*\|\s*|:\s+(?=live\b)", re.IGNORECASE)
_FEAT = re.compile(r"(?<![^\W_])(?:feat(?:uring)?\b\.?|ft\b\.?|f/|피처링|w/)\s*(?P<names>.+)$", re.IGNORECASE)
_CREDIT = re.compile(
    r"^\s*(?:with|con|avec|part\.|mit|prod\.?(?: by)?|produced by)\s+(?P<names>.+)$", re.IGNORECASE
)
_MEDIA_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("lyric_video", r"lyrics?(?: video)?\b|\bletra\b|paroles|歌詞|가사|текст|testo|sözleri|songtext"),
        ("visualizer", r"visuali[sz]er|visual video"),
        ("official_video", r"(?:official|music|offizielles|oficial)\b.*\b(?:video|clip)|clip(?:e)? offici[ea]l|clipe oficial"
         r"|video ?clip|v[ií]deo oficial|\b[mp]/?v\b|公式|공식|官方|ミュージックビデオ|뮤직비디오|\bclip\b|^\s*video\s*$|klip"),
        ("audio", r"(?:official|full)? ?audio\b|áudio oficial|audio oficial|\btopic\b"),
    )
)  # fmt: skip
_NOISE = re.compile(
    r"^(?:(?:in )?(?:full )?(?:hd|hq|4k|uhd|1080p|720p|480p|8k|hi[- ]?res|with lyrics|w/ ?lyrics|official|oficial|officiel"
    r"|full song|full version hd|new|free download|out now|premiere|vevo|remastered in (?:hd|4k)|explicit|high quality"
    r"|bonus(?: track)?|album track|single|from .+|taken from .+|ost|original (?:motion picture )?soundtrack"
    r"|world premiere|\d{4}|stereo|(?:with )?(?:english |eng )?sub(?:title)?s?)[\s,!/-]*)+$",
    re.IGNORECASE,
)
_BARE_TRAILING = re.compile(
    r"\s+(?:(?:official\s+)?(?:music\s+|lyrics?\s+)?(?:video|audio)(?:\s+(?:hd|hq|4k))?|with lyrics|lyrics|hd|hq|4k|m/?v"
    r"|pv|公式|공식|官方)\s*$",
    re.IGNORECASE,
)
_BARE_VERSION = re.compile(
    r"\s+((?:live (?:at|in|from|on)\b.+)|(?:karaoke|acoustic|instrumental|piano|radio|single|album|demo|live|extended"
    r"|english|spanish|french|studio)\s+(?:version|edit|mix|cover|session)|sped up|slowed(?: (?:\+|and|&) reverb)?"
    r"|nightcore|(?:\d{4} )?remaster(?:ed)?(?: \d{4})?|ao vivo|en vivo|en directo|dal vivo|off vocal)\s*$",
    re.IGNORECASE,
)
_TRACK_PREFIX = re.compile(r"^\s*(?:\d{1,3}\.\s+|0\d\s*-\s+|0\d\s+|\d{1,3}-\s*(?=\D)|[AB]\d\.?\s+(?=\w))")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10,
          "xi": 11, "xii": 12, "xiii": 13, "xiv": 14, "xv": 15, "xvi": 16}  # fmt: skip
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_VALUE = r"(\d+[a-z]?|[ivx]+|one|two|three|four|five|six|seven|eight)"
_NUMBERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("part", re.compile(rf"\b(?:parts?|pt|teil|parte|partie|часть|deel)\.?\s*{_VALUE}\b", re.IGNORECASE)),
    ("volume", re.compile(rf"\b(?:volume|vol)\.?\s*{_VALUE}\b", re.IGNORECASE)),
    ("opus", re.compile(r"\bop(?:us|\.)?\s*(?:posth\.?\s*)?(\d+[a-z]?)\b", re.IGNORECASE)),
    ("number", re.compile(r"(?:\b(?:no|nos|nr|num|number)\b\.?|№|n°|nº|#)\s*(\d+[a-z]?)\b", re.IGNORECASE)),
    ("movement", re.compile(r"\b(?:mov(?:ement|t)?\.?)\s*(\d+|[ivx]+)\b", re.IGNORECASE)),
    ("movement", re.compile(r"(?:^|[:,\-/]\s+)([IVX]{1,5})\.\s+(?=\w)")),
    ("catalogue:bwv", re.compile(r"\bbwv\.?\s*(\d+[a-z]?)\b", re.IGNORECASE)),
    ("catalogue:k", re.compile(r"\bkv?\.?\s?(\d{1,3}[a-z]?)\b", re.IGNORECASE)),
    ("catalogue:d", re.compile(r"\bD\.?\s?(\d{2,3})\b")),
    ("catalogue:hob", re.compile(r"\bhob\.?\s*([ivx]+[:/]\s?\d+)\b", re.IGNORECASE)),
    ("catalogue:rv", re.compile(r"\brv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:hwv", re.compile(r"\bhwv\.?\s*(\d+)\b", re.IGNORECASE)),
    ("catalogue:l", re.compile(r"\bL\.\s?(\d+)\b")),
)  # fmt: skip
_TYPED_WORDS = frozenset({"live", "remix", "cover", "demo", "edit", "karaoke"})


class _Piece(NamedTuple):
    versions: tuple[VersionPart, ...] = ()
    credits: tuple[str, ...] = ()
    media_kind: str | None = None
    noise: bool = False

    @property
    def understood(self) -> bool:
        return bool(self.versions or self.credits or self.media_kind or self.noise)


def _media_kind(text: str) -> str | None:
    for name, pattern in _MEDIA_KINDS:
        if pattern.search(text):
            return name
    return None


def _read_piece(text: str) -> _Piece:
    """Understand one qualifier: the inside of brackets or what follows a spaced separator."""
    credits: tuple[str, ...] = ()
    credit = _CREDIT.match(text) or _FEAT.search(text)
    if credit:
        credits = split_names(credit["names"])
        text = text[: credit.start()]
        if not text.strip():
            return _Piece(credits=credits)
    if _NOISE.match(text.strip()):
        return _Piece(
            versions=read_version(text) if re.search(r"(?i)explicit|stereo", text) else (),
            credits=credits, noise=True,
        )  # fmt: skip
    kind = _media_kind(text) if len(text.split()) <= 6 else None
    return _Piece(versions=read_version(text), credits=credits, media_kind=kind)


def read_numbers(text: str) -> tuple[TypedNumber, ...]:
    """Find the numbers that belong to identity, each with its scheme."""
    found: dict[tuple[str, str], TypedNumber] = {}
    for scheme, pattern in _NUMBERS:
        for match in pattern.finditer(text):
            value = match.group(1).lower().replace(" ", "")
            number = _ROMAN.get(value) or _WORDS.get(value)
            value = str(number) if number else value.lstrip("0") or "0"
            found.setdefault((scheme, value), TypedNumber(scheme=scheme, value=value))
    return tuple(found.values())


class _Parsed(NamedTuple):
    base: str  # cleaned, not yet normalised
    versions: tuple[VersionPart, ...]
    credits: tuple[str, ...]
    media_kind: str | None


_MEDIA_WORDS = re.compile(
    r"(?i)\b(?:the|official|music|lyrics?|video|audio|clip|m/?v|pv|hd|hq|4k|full|with|visuali[sz]er|oficial|officiel|letra|topic)\b"
)
_VERSION_TAIL = re.compile(
    r"(?i)^(?:(?:live|recorded|acoustic|demo|session|ao vivo|en vivo|en directo)\b(?:\s*$|\s*[/,]|\s+(?:at|in|from|on|for|aus|em|en|version|session)\b.*|\s+\d.*)"
    r"|.*\b(?:version|edit|mix|remix|re-?master(?:ed)?|session|ver\.?)(?:\s+\d{4})?$|.*\b\d{4}\b.*|\S+)$"
)


def _is_qualifier(tail: str, piece: _Piece, head: str, name: str | None) -> bool:
    """Tell "Title - Live at the Mill" from "Artist - Live Forever"."""
    if piece.noise or piece.credits:
        return True
    if name and _same_name(normalize_name(head), name):
        return False
    if piece.versions:
        known = name is not None or all(part.detail is None for part in piece.versions)
        return bool(_VERSION_TAIL.match(tail)) and (known or not _ends_in_remix(tail))
    return not normalize_text(_MEDIA_WORDS.sub("", tail)).strip() or not tail.isascii()


def _ends_in_remix(tail: str) -> bool:
    return tail.lower().endswith("remix")


def _strip_qualifiers(text: str, name: str | None) -> _Parsed:
    """Take understood brackets and trailing segments off a title; what is not understood stays."""
    versions: list[VersionPart] = []
    credits: list[str] = []
    kind: str | None = None

    def take(piece: _Piece) -> None:
        nonlocal kind
        versions.extend(piece.versions)
        credits.extend(piece.credits)
        kind = kind or piece.media_kind

    position = 0
    while match := _BRACKET.search(text, position):
        inside = next((group for group in match.groups() if group is not None), "")
        piece = _read_piece(inside)
        # A bracket that opens the title is part of it: (I Can't Get No) Satisfaction.
        if match.start() > 0 and piece.understood:
            take(piece)
            text = f"{text[: match.start()].rstrip()} {text[match.end() :].lstrip()}".strip()
            position = 0
        elif match.start() == 0 and (piece.media_kind or piece.noise) and text[match.end() :].strip():
            take(piece)
            text = text[match.end() :].strip()
        else:
            position = match.end()
    while True:
        separators = list(_SEPARATOR.finditer(text))
        if separators and separators[-1].start() > 0:
            tail = text[separators[-1].end() :]
            piece = _read_piece(tail)
            if piece.understood and _is_qualifier(tail, piece, text[: separators[-1].start()], name):
                take(piece)
                text = text[: separators[-1].start()].strip()
                continue
        feat = _FEAT.search(text)
        if feat and feat.start() > 0 and text[: feat.start()].strip(" ,-"):
            tail = feat["names"]
            cut = _SEPARATOR.search(tail)
            credits.extend(split_names(tail[: cut.start()] if cut else tail))
            text = text[: feat.start()].strip(" ,") + (tail[cut.start() :] if cut else "")
            continue
        bare = _BARE_TRAILING.search(text)
        if bare and bare.start() > 0:
            kind = kind or _media_kind(bare.group())
            text = text[: bare.start()].rstrip(" -|,")
            continue
        typed = _BARE_VERSION.search(text)
        if typed and text[: typed.start()].strip():
            versions.extend(read_version(typed.group(1)))
            text = text[: typed.start()].rstrip(" -|,")
            continue
        return _Parsed(text, tuple(versions), tuple(dict.fromkeys(credits)), kind)


def _same_name(left: str, right: str) -> bool:
    a, b = fold_diacritics(left).replace(" ", ""), fold_diacritics(right).replace(" ", "")
    return bool(a) and (a == b or (len(a) > 3 and len(b) > 3 and (a in b or b in a)))


def _base(text: str) -> str:
    return fold_diacritics(normalize_text(text))


def read_title(
    text: str,
    *,
    artist: str | None = None,
    kind: Kind = Kind.recording,
    video: bool = False,
    version: str | None = None,
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

    Returns
    -------
    readings : tuple of TitleReading, 1..4
        empty only for an empty text. ``base`` is normalised, with accents folded and never empty
    """
    return _read_title(text, artist, video or kind is Kind.music_video, version)


@lru_cache(maxsize=16384)
def _read_title(text: str, artist: str | None, video: bool, version: str | None) -> tuple[TitleReading, ...]:
    cleaned = clean_text(text)
    if not cleaned:
        return ()
    name = normalize_name(artist) if artist else None
    parsed = _strip_qualifiers(cleaned, name)
    numbers = read_numbers(cleaned)
    extra = (read_version(version) or (VersionPart(type="other", text=version),)) if version else ()
    readings: list[TitleReading] = []

    def add(
        base: str, *, sung_by: str | None = None, versions: tuple[VersionPart, ...] = parsed.versions
    ) -> None:
        key = _base(base)
        if not key or any(
            r.base == key and r.artist == sung_by and r.versions == versions + extra for r in readings
        ):
            return
        readings.append(
            TitleReading(
                base=key, versions=versions + extra, numbers=numbers, credits=parsed.credits,
                artist=sung_by, media_kind=parsed.media_kind, source_text=text,
            )
        )  # fmt: skip

    separators = [m for m in _SEPARATOR.finditer(parsed.base) if m.start() > 0]
    quoted = (
        re.match(r"^(?P<artist>[^\"\[]+?)\s*(?:\"(?P<a>[^\"]+)\"|\[(?P<b>[^\]]+)\])\s*$", parsed.base)
        if video
        else None
    )
    if quoted and (quoted["a"] or quoted["b"]):
        add(quoted["a"] or quoted["b"], sung_by=normalize_name(quoted["artist"].strip(" -:")))
    if separators:
        first = separators[0]
        left, right = parsed.base[: first.start()].strip(), parsed.base[first.end() :].strip()
        left_name, right_name = normalize_name(_FEAT.sub("", left)), normalize_name(_FEAT.sub("", right))
        if name and _same_name(left_name, name):
            add(right, sung_by=left_name)
        elif name and _same_name(right_name, name):
            add(left, sung_by=right_name)
        elif video or (not name and len(separators) == 1 and " - " in first.group()):
            add(right, sung_by=left_name)
            add(left, sung_by=right_name)
    plain = _TRACK_PREFIX.sub("", parsed.base) if len(parsed.base) > 4 else parsed.base
    if plain and plain != parsed.base:
        add(plain)
    add(parsed.base)
    if any(part.type in _TYPED_WORDS for part in parsed.versions):
        # The known song may itself be the remix: the words may belong to the title.
        add(cleaned, versions=())
    if not readings:
        add(cleaned, versions=())
    return tuple(readings[:MAX_READINGS])
