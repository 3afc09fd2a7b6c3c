"""Uploads of music that does not exist, from a seeded grammar: any number, always the same.

About a fifth are copies: another source sends a recording that was sent before, with its own spelling, a
length that differs a little, and often without the identifier.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from streams.core.records import Artist, Identifiers, Release, SourceKind, Upload

COPIES = 0.2
_RECENT = 50_000

_FIRST = (
    "clear slow long red silver quiet broken golden paper hollow bright distant winter summer "
    "midnight electric little last open secret burning frozen gentle heavy lonely crooked velvet "
    "empty early northern southern hidden restless wild tender faded shallow copper amber crimson"
).split()
_NOUN = (
    "water harbour lantern boat ferry circuit rain kite field fire street summer river mountain "
    "window garden mirror train letter candle shadow bridge island engine feather orchard radio "
    "ribbon station thunder valley market meadow needle ocean pilot quarry saddle tower umbrella "
    "village whistle anchor balcony compass desert echo forest glacier horizon iron jungle kingdom "
    "ladder marble noon opera pocket rooftop signal tunnel"
).split()
_VERB = (
    "follow leave carry remember forget call find hold break build cross burn wait dance sing run sail turn"
).split()
_PLACE = (
    "Lisbon Dover Oslo Memphis Turin Bergen Galway Kyoto Dakar Quito Leeds Porto Tampa Riga Cusco".split()
)
_GIVEN = (
    "Ada Ben Cora Dario Elin Femi Greta Hugo Ines Jonas Kira Leo Mara Nils Olga Pablo Rosa Sven Tara "
    "Uri Vera Wim Yara Zeno Amina Bruno Celia Dina Emil Freya"
).split()
_ONSET = "b br c ch d dr f g gr h j k kl l m n p pr r s st t tr v w".split()
_VOWEL = "a e i o u ai ea ou".split()
_CODA = "ck ll m n nd r rn s st t th x y".split()


@dataclass(frozen=True, slots=True)
class _Song:
    """One invented recording."""

    number: int
    title: str
    artist: str
    album: str
    year: int
    duration_ms: int
    isrc: str | None


def invented_uploads(count: int, *, seed: int = 7, copies: float = COPIES) -> Iterator[Upload]:
    """Give uploads in the order in which they are sent; item ids are numbers.

    Parameters
    ----------
    count : int >= 0
    seed : int
    copies : float in [0, 1]
        share of uploads that repeat an earlier recording as another source tells it
    """
    return (upload for _, upload in invented_recordings(count, seed=seed, copies=copies))


def invented_recordings(count: int, *, seed: int = 7, copies: float = COPIES) -> Iterator[tuple[int, Upload]]:
    """Give the same uploads, each after the number of the recording that it tells."""
    rng = random.Random(seed)  # noqa: S311 - figures must repeat
    artists = _artists(rng, max(50, count // 12))
    songs: list[_Song] = []
    for number in range(count):
        if songs and rng.random() < copies:
            song = songs[rng.randrange(len(songs))]
            yield song.number, _copy(rng, song, number)
            continue
        song = _song(rng, artists, number)
        if len(songs) < _RECENT:
            songs.append(song)
        else:
            songs[rng.randrange(_RECENT)] = song
        yield number, _original(song)


def _artists(rng: random.Random, count: int) -> list[str]:
    """Invent names: half people, half bands."""
    names = []
    for _ in range(count):
        family = "".join(rng.choice(_ONSET) + rng.choice(_VOWEL) for _ in range(rng.randint(1, 2)))
        family = (family + rng.choice(_ONSET) + rng.choice(_VOWEL) + rng.choice(_CODA)).title()
        if rng.random() < 0.5:
            names.append(f"{rng.choice(_GIVEN)} {family}")
        else:
            names.append(f"The {family} {rng.choice(_NOUN).title()}s")
    return names


def _song(rng: random.Random, artists: list[str], number: int) -> _Song:
    # Few artists have many songs and many have few, as in a real catalogue.
    artist = artists[min(int(rng.paretovariate(0.7)) - 1, len(artists) * 50) % len(artists)]
    if rng.random() < 0.8:
        artist = rng.choice(artists)
    year = rng.randint(1960, 2025)
    return _Song(
        number=number,
        title=_title(rng),
        artist=artist,
        album=_title(rng),
        year=year,
        duration_ms=int(rng.gauss(215_000, 45_000)) % 600_000 + 60_000,
        isrc=f"QZ{rng.choice('ABCDEFGH')}{rng.choice('ABCDEFGH')}X{year % 100:02d}{number % 100_000:05d}"
        if rng.random() < 0.6
        else None,
    )


def _title(rng: random.Random) -> str:
    first, noun, other = rng.choice(_FIRST), rng.choice(_NOUN), rng.choice(_NOUN)
    match rng.randrange(7):
        case 0:
            said = f"{first} {noun}"
        case 1:
            said = f"{noun} of the {first} {other}"
        case 2:
            said = f"{rng.choice(_VERB)} me to the {noun}"
        case 3:
            said = f"{noun} and {other} in {rng.choice(_PLACE)}"
        case 4:
            said = f"{rng.choice(_VERB)} the {first} {noun}"
        case 5:
            said = f"the {noun} behind the {other}"
        case _:
            said = f"{rng.choice(_PLACE)} {noun}, {first} {other}"
    return said.title()


def _original(song: _Song) -> Upload:
    return Upload(
        source="label-a",
        item_id=str(song.number),
        source_kind=SourceKind.label_feed,
        title=song.title,
        artists=(Artist(name=song.artist),),
        releases=(Release(title=song.album, date=str(song.year)),),
        duration_ms=song.duration_ms,
        identifiers=Identifiers(isrc=(song.isrc,) if song.isrc else ()),
    )


def _copy(rng: random.Random, song: _Song, number: int) -> Upload:
    """Tell a recording as an aggregator would."""
    title = song.title
    match rng.randrange(5):
        case 0:
            title = title.upper()
        case 1:
            title = f"{title} (Remastered {song.year + 20})"
        case 2 if len(title) > 6:
            at = rng.randrange(2, len(title) - 2)
            title = title[:at] + title[at + 1 :]
        case 3:
            title = f"{song.artist} - {title}"
        case _:
            pass
    upload = replace(
        _original(song),
        source="aggregator-b",
        item_id=str(number),
        source_kind=SourceKind.aggregator,
        title=title,
        duration_ms=song.duration_ms + rng.randint(-900, 900),
    )
    return upload if rng.random() < 0.5 else replace(upload, identifiers=Identifiers())
