"""Songs of the golden catalogue: works with the people who wrote and first recorded them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from streams.evaluation.golden.chance import Chance
from streams.evaluation.golden.words import Language, Name, languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Song:
    """A work, and its first recording's facts.

    Attributes
    ----------
    english : str
        what the title means
    featured : Name, optional
        a guest on the recording
    explicit : bool
        whether the usual version is
    """

    work: str
    language: Language
    title: str
    english: str
    artist: Name
    featured: Name | None
    writers: tuple[str, ...]
    iswc: str
    album: str
    year: int
    duration_ms: int
    explicit: bool


def draw_songs(count: int, chance: Chance) -> Iterator[Song]:
    """Draw songs, language by language in turn; no title comes twice by chance.

    Some artists have several songs, and some songs are there to be taken for others: the same title by
    somebody else, a title that shares a word, and the next part of a song in parts.
    """
    spoken = languages()
    used: set[tuple[str, str]] = set()
    artists: dict[str, list[Name]] = {language.code: [] for language in spoken}
    before: dict[str, Song] = {}
    for number in range(count):
        language = spoken[number % len(spoken)]
        own = artists[language.code]
        artist = chance.pick(own) if own and chance.roll(0.5) else language.artist(chance)
        own.append(artist)
        title, english = _unused(language, chance, used)
        song = Song(
            work=f"w{number}",
            language=language,
            title=title,
            english=english,
            artist=artist,
            featured=somebody_else(artist, language, chance) if chance.roll(0.25) else None,
            writers=tuple(language.artist(chance).native for _ in range(chance.between(1, 2))),
            iswc=iswc(number),
            album=language.title(chance)[0],
            year=chance.between(1964, 2022),
            duration_ms=chance.between(140_000, 330_000),
            explicit=chance.roll(0.12),
        )
        last = before.get(language.code)
        if last is not None and number // len(spoken) % 4 == 3:
            song = _to_be_taken_for(song, last, chance)
        before[language.code] = song
        yield song


def somebody_else(artist: Name, language: Language, chance: Chance) -> Name:
    """Make the name of somebody else."""
    other = language.artist(chance)
    while other == artist:
        other = language.artist(chance)
    return other


def _unused(language: Language, chance: Chance, used: set[tuple[str, str]]) -> tuple[str, str]:
    for _ in range(200):
        title, english = language.title(chance)
        if (language.code, title.casefold()) not in used:
            break
    used.add((language.code, title.casefold()))
    return title, english


def _to_be_taken_for(song: Song, last: Song, chance: Chance) -> Song:
    """Make a song one that is easily taken for another; only the language's last one is known here."""
    which = chance.between(0, 2)
    if which == 0:  # the same title, by somebody else
        other = somebody_else(last.artist, song.language, chance)
        return replace(song, title=last.title, english=last.english, artist=other)
    if which == 1:  # the other part of a song in two
        return replace(
            song,
            title=f"{last.title}, Part 2",
            english=f"{last.english}, Part 2",
            artist=last.artist,
            album=last.album,
            year=last.year,
        )
    # By the same artist on the same album, about as long.
    near = last.duration_ms + chance.between(-900, 900)
    return replace(song, artist=last.artist, album=last.album, year=last.year, duration_ms=near)


def iswc(number: int) -> str:
    """Make an ISWC with the right check digit, from a range that is not in use."""
    digits = f"98{number % 10_000_000:07d}"
    check = -(1 + sum(place * int(digit) for place, digit in enumerate(digits, start=1))) % 10
    return f"T-{digits[:3]}.{digits[3:6]}.{digits[6:]}-{check}"


def isrc(number: int, year: int) -> str:
    """Make an ISRC."""
    return f"QZ{chr(65 + number // 100_000 % 26)}GS{year % 100:02d}{number % 100_000:05d}"
