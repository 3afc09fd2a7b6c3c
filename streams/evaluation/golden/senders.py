"""How senders tell a recording: each kind in its own way, with the mistakes that it is known for."""

from dataclasses import dataclass, field, replace
from typing import Final

from streams.core.records import (
    AlternativeTitle,
    Artist,
    Declared,
    Identifiers,
    Kind,
    Related,
    Release,
    SourceKind,
    Upload,
    Video,
    Work,
    Writer,
)
from streams.evaluation.golden.chance import Chance
from streams.evaluation.golden.takes import CLASSICAL, ORIGINAL, Take
from streams.evaluation.golden.words import words

_SENDERS: Final = {
    SourceKind.label_feed: ("label-north", "label-south"),
    SourceKind.aggregator: ("aggregator-one", "aggregator-two"),
    SourceKind.reference_db: ("open-catalogue",),
    SourceKind.video_platform: ("tube",),
    SourceKind.user_upload: ("locker",),
}
_WIDE: Final = {
    "ja": ("【{}】", "({})", "～{}～"),
    "zh": ("（{}）", "【{}】", "({})"),
    "ko": ("({})", "[{}]"),
}
_USUAL: Final = ("({})", "({})", "[{}]", "- {}")


@dataclass(slots=True)
class _Telling:
    """An upload in the making, with what was done to it."""

    title: str
    version: str | None
    artists: list[Artist]
    duration_ms: int | None
    album: str | None
    year: int | None
    isrc: tuple[str, ...]
    tags: list[str] = field(default_factory=list)


def tell(
    take: Take, sender: SourceKind, item_id: str, chance: Chance, *, wrong_isrc: str | None = None
) -> tuple[Upload, tuple[str, ...]]:
    """Write a recording as a sender of this kind does; give the upload and the tags of what was done to it.

    Parameters
    ----------
    wrong_isrc : str, optional
        of another recording, which is sent in place of the right one
    """
    said = _Telling(
        title=chance.pick(take.titles),
        version=_mark(take, chance),
        artists=_credits(take),
        duration_ms=take.duration_ms,
        album=take.album,
        year=take.year,
        isrc=(take.isrc,),
    )
    _WAYS[sender](said, take, chance)
    if said.version is not None and sender is SourceKind.label_feed and chance.roll(0.35):
        pass  # in its own field alone
    elif said.version is not None:
        said.title, said.version = (
            _placed(said.title, said.version, sender, take, chance),
            (said.version if sender is SourceKind.label_feed and chance.roll(0.5) else None),
        )
    if wrong_isrc is not None:
        said.isrc = (wrong_isrc,)
        said.tags.append("wrong_isrc")
    return _upload(said, take, sender, item_id, chance), tuple(said.tags)


def _mark(take: Take, chance: Chance) -> str | None:
    marks = (take.marked_in or take.language).marks
    return chance.pick(marks[take.mark]).format(**take.details) if take.mark else None


def _credits(take: Take) -> list[Artist]:
    main = [Artist(name=name.native) for name in take.artists]
    if take.featured is not None:
        main.append(Artist(name=take.featured.native, role="featured"))
    if take.remixer is not None:
        main.append(Artist(name=take.remixer, role="remixer"))
    if take.composer is not None:
        main.append(Artist(name=take.composer, role="composer"))
    return main


def _label(said: _Telling, take: Take, chance: Chance) -> None:
    """Tell it well; now and then with a guest in the title."""
    if chance.roll(0.1):
        _feature_in_title(said, take)


def _aggregator(said: _Telling, take: Take, chance: Chance) -> None:
    """Tell it from a compilation, a second longer or shorter, often without its ISRC, in capitals."""
    if chance.roll(0.4):
        said.isrc = ()
        said.tags.append("no_isrc")
    if chance.roll(0.35) and take.row != CLASSICAL:
        named = chance.pick(words()["extra"]["collections"])
        said.album = named.format(name=take.artists[0].native, number=chance.between(2, 40))
        said.year = min(2025, take.year + chance.between(1, 20))
        said.tags.append("compilation")
    if chance.roll(0.15):
        said.title = said.title.upper()
        said.version = said.version.upper() if said.version else None
        said.tags.append("capitals")
    if chance.roll(0.3):
        _feature_in_title(said, take)
    if take.row in {ORIGINAL, "copy"} and chance.roll(0.12):
        said.version = chance.pick(take.language.marks["remaster"]).format(year=min(2025, take.year + 20))
        said.tags.append("remaster_year")
    elif take.row in {ORIGINAL, "copy"} and chance.roll(0.06):
        said.version = chance.pick(("Album Version", "Original Version"))
        said.tags.append("word_added")
    _second_off(said, chance)


def _database(said: _Telling, take: Take, chance: Chance) -> None:
    """Tell it as editors of a public database do: whole seconds, sort names, names in Latin letters."""
    said.isrc = said.isrc if chance.roll(0.3) else ()
    if said.duration_ms is not None:
        said.duration_ms = said.duration_ms // 1000 * 1000
    if take.artists[0].latin != take.artists[0].native and chance.roll(0.3):
        said.artists[0] = Artist(name=take.artists[0].latin)
        said.tags.append("latin_name")
    if said.artists[0].name.startswith("The ") and chance.roll(0.8):
        said.artists[0] = Artist(name=f"{said.artists[0].name[4:]}, The")
        said.tags.append("sort_name")
    if chance.roll(0.15):
        said.duration_ms = None
        said.tags.append("no_duration")


def _tube(said: _Telling, take: Take, chance: Chance) -> None:
    """Tell it as a video's title does: the artist before, signs of the channel around, no more fields."""
    said.isrc, said.album, said.year = (), None, None
    said.tags.append("video_title")
    _feature_in_title(said, take)
    artist = take.artists[0].native
    said.title = f"{artist} {chance.pick(('-', '-', '–', '|'))} {said.title}"
    said.artists = []
    _second_off(said, chance)


def _locker(said: _Telling, take: Take, chance: Chance) -> None:
    """Tell it as somebody who types it in: small letters, typing errors, fields left empty."""
    said.isrc = ()
    if chance.roll(0.4):
        said.title = said.title.lower()
        said.tags.append("small_letters")
    if chance.roll(0.4):
        said.title = mistyped(said.title, chance)
        said.tags.append("typo")
    if chance.roll(0.25):
        said.title = f"{take.artists[0].native} - {said.title}"
        said.artists = []
        said.tags.append("artist_in_title")
    elif chance.roll(0.35):
        said.duration_ms = None
        said.tags.append("no_duration")
    if chance.roll(0.6):
        said.album = said.year = None
        said.tags.append("no_album")
    if said.version is not None and take.told_by_length and chance.roll(0.3):
        said.version, said.duration_ms = None, take.duration_ms
        said.tags.append("one_sided")
    said.artists = [artist for artist in said.artists if artist.role == "main"]
    _second_off(said, chance)


_WAYS: Final = {
    SourceKind.label_feed: _label,
    SourceKind.aggregator: _aggregator,
    SourceKind.reference_db: _database,
    SourceKind.video_platform: _tube,
    SourceKind.user_upload: _locker,
}


def _feature_in_title(said: _Telling, take: Take) -> None:
    """Move a guest from the credits into the title."""
    if take.featured is None or all(artist.role != "featured" for artist in said.artists):
        return
    said.title = f"{said.title} (feat. {take.featured.native})"
    said.artists = [artist for artist in said.artists if artist.role != "featured"]
    said.tags.append("feature_moved")


def _second_off(said: _Telling, chance: Chance) -> None:
    if said.duration_ms is not None and chance.roll(0.5):
        said.duration_ms += chance.between(-1000, 1000)
        said.tags.append("second_off")


def _placed(title: str, version: str, sender: SourceKind, take: Take, chance: Chance) -> str:
    """Write the version behind the title, as the sender's kind and the language do."""
    forms = _WIDE.get(take.language.code, _USUAL) if sender is not SourceKind.label_feed else _USUAL[:1]
    return f"{title} {chance.pick(forms).format(version)}"


def mistyped(text: str, chance: Chance) -> str:
    """Drop, double or swap a letter, never the first and none beside a digit."""
    places = [at for at in range(1, len(text) - 1) if text[at].isalpha() and text[at + 1].isalpha()]
    if len(text) < 6 or not places:
        return text
    at = chance.pick(places)
    changed = (text[:at], text[: at + 1] + text[at], text[:at] + text[at + 1] + text[at])
    which = chance.between(0, 2)
    return changed[which] + text[at + 2 if which == 2 else at + 1 :]


def _upload(said: _Telling, take: Take, sender: SourceKind, item_id: str, chance: Chance) -> Upload:
    tube = sender is SourceKind.video_platform
    release = Release(title=said.album, date=str(said.year) if said.year else None)
    upload = Upload(
        source=chance.pick(_SENDERS[sender]),
        item_id=item_id,
        source_kind=sender,
        kind=Kind.music_video if take.is_video else Kind.recording,
        title=said.title,
        version=said.version,
        artists=tuple(said.artists),
        releases=(release,) if said.album or said.year else (),
        duration_ms=said.duration_ms,
        identifiers=Identifiers(isrc=said.isrc),
        video=_video(take, item_id, chance) if tube else None,
    )
    if sender is SourceKind.label_feed:
        upload = replace(
            upload,
            languages=(take.language.code,) if take.row != CLASSICAL else (),
            version_types=(take.declared,) if take.declared and chance.roll(0.5) else (),
            declared=Declared(explicit=take.explicit),
            works=_works(take, chance),
            related=_related(take),
        )
    elif (
        sender is SourceKind.reference_db and take.english and take.language.code != "en" and chance.roll(0.2)
    ):
        english = AlternativeTitle(text=take.english, language="en", type="translated")
        upload = replace(upload, alternative_titles=(english,))
    return upload


def _works(take: Take, chance: Chance) -> tuple[Work, ...]:
    if take.iswc is None or not chance.roll(0.5):
        return ()
    return (Work(iswc=take.iswc, writers=tuple(Writer(name=name) for name in take.writers)),)


def _related(take: Take) -> tuple[Related, ...]:
    if take.related is None:
        return ()
    relation, leads_to = take.related
    return (Related(relation=relation, identifiers=Identifiers(isrc=(leads_to,))),)


def _video(take: Take, item_id: str, chance: Chance) -> Video:
    artist = take.artists[0]
    names = [f"{artist.native} - Topic", f"{artist.latin.replace(' ', '')}VEVO", f"{artist.native} Official"]
    stranger: str = chance.pick(words()["extra"]["channels"])
    channel = stranger if chance.roll(0.3) else chance.pick(names)
    return Video(platform="tube", video_id=f"v{item_id}", channel=channel)
