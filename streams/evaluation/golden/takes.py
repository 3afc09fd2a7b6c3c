"""Recordings of the golden catalogue: each song's first one, and versions of it in turn through all rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from streams.evaluation.golden.chance import Chance
from streams.evaluation.golden.songs import Song, isrc, iswc, somebody_else
from streams.evaluation.golden.versions import ROWS, Row
from streams.evaluation.golden.words import ENGLISH, Language, Name, languages, words

ORIGINAL = "original"
CLASSICAL = "classical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One recording, or one video, and all that a sender may know of it.

    Attributes
    ----------
    recording : str
        the true entity; of a video, its own
    titles : tuple of str
        equally right ways to write the title
    mark : str, optional
        the type of version that is announced
    marked_in : Language, optional
        where that is not the language of the song
    details : mapping of str to str
        place, year, remixer, name: what the marks' words name
    heard : str, optional
        of a video: the recording in it
    related : tuple of str, optional
        a relation that the sender declares, and the ISRC it leads to
    told_by_length : bool
        the length alone tells it from the first recording, also where a sender leaves the word out
    """

    recording: str
    work: str | None
    row: str
    language: Language
    titles: tuple[str, ...]
    artists: tuple[Name, ...]
    featured: Name | None = None
    remixer: str | None = None
    composer: str | None = None
    mark: str | None = None
    marked_in: Language | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    declared: str | None = None
    duration_ms: int
    isrc: str
    writers: tuple[str, ...] = ()
    iswc: str | None = None
    album: str
    year: int
    explicit: bool | None = None
    english: str | None = None
    is_video: bool = False
    heard: str | None = None
    related: tuple[str, str] | None = None
    told_by_length: bool = False


VERSIONS_EACH = 3
_TELLING = 0.08


def takes_of(songs: Sequence[Song], chance: Chance) -> Iterator[tuple[Take, ...]]:
    """Give the recordings of each song, the first one first, then ``VERSIONS_EACH`` of the rows in turn."""
    rows = list(ROWS)
    for number, song in enumerate(songs):
        original = _original(song, number)
        group = [original]
        for turn in range(VERSIONS_EACH):
            row = rows[(number * VERSIONS_EACH + turn) % len(rows)]
            group.append(_version(song, original, row, number * 10 + turn + 1, songs, chance))
        yield tuple(group)


def _original(song: Song, number: int) -> Take:
    return Take(
        recording=f"{song.work}-r0",
        work=song.work,
        row=ORIGINAL,
        language=song.language,
        titles=(song.title,),
        english=song.english,
        artists=(song.artist,),
        featured=song.featured,
        duration_ms=song.duration_ms,
        isrc=isrc(number * 10, song.year),
        writers=song.writers,
        iswc=song.iswc,
        album=song.album,
        year=song.year,
        explicit=True if song.explicit else None,
    )


def _version(
    song: Song, first: Take, row_name: str, number: int, songs: Sequence[Song], chance: Chance
) -> Take:
    row = ROWS[row_name]
    other = chance.pick(songs)
    remixer: str = chance.pick(words()["extra"]["remixers"])
    place = chance.pick(song.language.places)
    later = min(2025, song.year + chance.between(3, 35))
    artists, title = _artists(song, other, row, chance), _title(song, other, row.titled)
    year = song.year if row.is_video or row_name in {"copy", "album_version", "official_audio"} else later
    name = f"{song.work}-r{number % 10}"
    ratio = chance.factor(*row.length)
    # A song in another language than its own.
    abroad = (
        languages()[1 if song.language.code == ENGLISH else 0] if "language" in row.marks else song.language
    )
    return Take(
        recording=first.recording if row.same_recording else name,
        work=song.work if row.same_work else None,
        row=row_name,
        language=song.language,
        titles=(title,),
        english=song.english,
        artists=artists,
        featured=song.featured if row.artist in {"same", "remixer"} else None,
        remixer=remixer if row.artist == "remixer" else None,
        mark=chance.pick(row.marks) if row.marks else None,
        details={
            "place": place,
            "year": str(later),
            "remixer": remixer,
            "name": song.artist.native,
            "title": song.title,
        },
        marked_in=abroad,
        declared=row.declared,
        duration_ms=int(song.duration_ms * ratio),
        isrc=isrc(number, later) if row.new_isrc else first.isrc,
        writers=song.writers,
        iswc=song.iswc if row.same_work else None,
        album=_album(song, row_name, place),
        year=year,
        explicit=False if row_name == "clean" else first.explicit,
        is_video=row.is_video,
        heard=first.recording if row.is_video and row_name != "live_video" else None,
        related=(row.related, first.isrc) if row.related else None,
        told_by_length=abs(ratio - 1.0) > _TELLING,
    )


def _artists(song: Song, other: Song, row: Row, chance: Chance) -> tuple[Name, ...]:
    if row.artist == "backing":
        band: str = chance.pick(words()["extra"]["backing"])
        return (Name(band, band),)
    if row.artist == "other":
        return (
            somebody_else(song.artist, song.language, chance)
            if other.artist == song.artist
            else other.artist,
        )
    return (song.artist,)


def _title(song: Song, other: Song, titled: str) -> str:
    if titled == "both":
        return f"{song.title} / {other.title}"
    if titled == "english" and song.language.code != ENGLISH:
        return song.english
    if titled in {"like", "english"}:
        return f"{song.title.split()[0]} {other.title}"
    return f"{other.title} Again" if titled == "own" else song.title


def _album(song: Song, row_name: str, place: str) -> str:
    if row_name == "live":
        return f"Live at {place}"
    return song.album


def movements(count: int, chance: Chance) -> Iterator[tuple[Take, ...]]:
    """Give recordings of invented sonatas: movements that differ by one number, each by several pianists.

    Parameters
    ----------
    count : int
        sonatas
    """
    lists = words()["classical"]
    english = languages()[0]
    for sonata in range(count):
        composer, surname = lists["composers"][sonata % len(lists["composers"])]
        key = chance.pick(lists["keys"])
        number, opus = sonata // len(lists["composers"]) + 1, 10 + sonata
        pianists = chance.shuffled(lists["pianists"])[:2]
        for movement, tempo in enumerate(chance.shuffled(lists["tempos"])[:3], start=1):
            work = f"c{sonata}m{movement}"
            written = {
                "number": number, "opus": opus, "surname": surname, "key_en": key[0], "key_de": key[1],
                "key_fr": key[2], "roman": "I" * movement, "arabic": movement, "tempo": tempo,
            }  # fmt: skip
            yield tuple(
                Take(
                    recording=f"{work}-r{turn}",
                    work=work,
                    row=CLASSICAL,
                    language=english,
                    titles=tuple(wording.format(**written) for wording in lists["wordings"]),
                    artists=(Name(pianist, pianist),),
                    composer=composer,
                    duration_ms=chance.between(170_000, 560_000),
                    isrc=isrc(900_000 + sonata * 100 + movement * 10 + turn, 1990 + turn),
                    writers=(composer,),
                    iswc=iswc(900_000 + sonata * 10 + movement),
                    album=f"{surname}: Piano Sonatas",
                    year=1990 + turn * 9,
                )
                for turn, pianist in enumerate(pianists)
            )
