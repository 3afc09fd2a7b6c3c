"""An upload as record linkage sees it, and the text that stands for it in the index."""

import re

from msgspec.structs import replace

from streams.core.identifiers import READERS, doubtful_isrcs, read_gtin, read_isrc, read_iswc
from streams.core.languages import NO_LANGUAGE, primary
from streams.core.normalize import clean_text, fold_diacritics, normalize_name, normalize_text, split_names
from streams.core.records import Kind, LinkageRecord, SourceKind, TitleReading, Upload, VersionPart
from streams.core.titles import read_title
from streams.core.titles.qualifiers import featured_from
from streams.core.titles.slipped import Slipped, without_slipped
from streams.core.versions import declared_version

MAX_READINGS = 6
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
# Of a name without spaces at its end: to look for them here as well would take cubic time of a long run.
_CHANNEL = re.compile(r"(?i)(?:-\s*topic|vevo|official|oficial|tv|channel|music)$")
_SUNG = frozenset({"main", "featured", "performer"})
_LED = frozenset({"orchestra", "conductor"})


def _year(upload: Upload) -> int | None:
    dates = [upload.recorded.date, *(release.date for release in upload.releases)]
    found = [int(match.group(1)) for date in dates if date and (match := _YEAR.search(date))]
    return min(found) if found else None


def _uuid(text: str | None) -> str | None:
    value = text.strip().lower() if text else ""
    return value if _UUID.fullmatch(value) else None


def _names(upload: Upload, readings: tuple[TitleReading, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    artists: list[str] = []
    contributors: list[str] = []
    for artist in sorted(upload.artists, key=lambda a: a.role != "main"):
        wanted = artists if artist.role in _SUNG else contributors
        for name in filter(None, (artist.name, artist.credited_as)):
            wanted.append(normalize_name(name))
            wanted.extend(split_names(name))
    if not artists:  # of an orchestra and its conductor nobody is said to be the main artist
        artists = [
            name
            for artist in upload.artists
            if artist.role in _LED
            for name in (normalize_name(artist.name), *split_names(artist.name))
        ]
    if not artists and upload.video and upload.video.channel:
        artists.append(normalize_name(_channel_owner(upload.video.channel) or upload.video.channel))
    if readings:
        artists.extend(readings[0].credits)
    contributors.extend(normalize_name(writer.name) for work in upload.works for writer in work.writers)
    return tuple(dict.fromkeys(filter(None, artists))), tuple(dict.fromkeys(filter(None, contributors)))


def _guests(upload: Upload, readings: tuple[TitleReading, ...], artists: tuple[str, ...]) -> tuple[str, ...]:
    """Give those of the artists who are but featured: by their role, or as a credit or the title has it."""
    featured = {name for reading in readings[:1] for name in reading.credits}
    leading: set[str] = set()
    for artist in upload.artists:
        for name in filter(None, (artist.name, artist.credited_as)):
            credit = clean_text(name)
            at = (0, 0) if artist.role == "featured" else featured_from(credit)
            leads, guests = (credit[: at[0]], credit[at[1] :]) if at else (credit, "")
            leading.update(split_names(leads) if leads.strip(" ([") else ())
            featured.update(split_names(guests) if guests else ())
    return tuple(name for name in artists if name in featured - leading)


def _artist_ids(upload: Upload) -> tuple[str, ...]:
    """Give the identifiers of those who perform; a wrong check digit makes it none."""
    found: list[str] = []
    for artist in upload.artists:
        for scheme, text in artist.ids.items() if artist.role in _SUNG else ():
            reader = READERS.get(scheme)
            value = reader(text).value if reader and text else (text or "").strip()
            if value:
                found.append(f"{scheme}={value}")
    return tuple(sorted(set(found)))


def _channel_owner(channel: str) -> str:
    """Give a channel's name without what platforms add to it."""
    return _CHANNEL.sub("", channel.strip()).rstrip()


def _readings(upload: Upload, slipped: Slipped) -> tuple[TitleReading, ...]:
    main = next((artist.name for artist in upload.artists if artist.role in _SUNG), None)
    channel = upload.video.channel if upload.video else None
    video = upload.kind is Kind.music_video or upload.source_kind is SourceKind.video_platform
    who = main or (_channel_owner(channel) if channel else None)
    language = next(iter(_languages(upload)), None)
    composers = tuple(normalize_name(artist.name) for artist in upload.artists if artist.role == "composer")
    readings = list(
        read_title(
            slipped.title,
            artist=who,
            video=video,
            version=upload.version,
            language=language,
            composers=composers,
        )
    )
    if slipped.rest:  # who performs may stand in what was cut off
        readings = [replace(reading, source_text=upload.title or "") for reading in readings]
    for title in upload.alternative_titles:
        readings += read_title(title.text, artist=who, version=upload.version, language=title.language)[:1]
    readings += [
        replace(readings[0], base=fold_diacritics(normalize_text(work.title)), source_text=work.title)
        for work in upload.works
        if work.title and readings and normalize_text(work.title)
    ]
    declared = tuple(filter(None, map(declared_version, upload.version_types)))
    seen: dict[tuple[str, str | None, tuple[VersionPart, ...]], TitleReading] = {}
    for reading in readings:
        have = {part.type for part in reading.versions}
        versions = reading.versions + tuple(part for part in declared if part.type not in have)
        full = replace(reading, versions=versions) if versions != reading.versions else reading
        seen.setdefault((full.base, full.artist, full.versions), full)
    return tuple(seen.values())[:MAX_READINGS]


def _languages(upload: Upload) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in map(primary, upload.languages) if code not in NO_LANGUAGE))


def featurize(upload: Upload) -> LinkageRecord:
    """Make the immutable record that pair scores depend on; wrong identifiers are left out."""
    slipped = without_slipped(upload.title or "")
    readings = _readings(upload, slipped)
    artists, contributors = _names(upload, readings)
    labels = [release.label for release in upload.releases if release.label]
    label = labels[0] if labels else upload.rights.p_line
    video = upload.video
    tracks = [release.track_number for release in upload.releases if release.track_number is not None]
    isrcs = sorted({value for text in upload.identifiers.isrc if (value := read_isrc(text).value)})
    iswcs = (read_iswc(work.iswc).value for work in upload.works if work.iswc)
    gtins = (read_gtin(release.gtin).value for release in upload.releases if release.gtin)
    explicit = upload.declared.explicit
    types = {part.type for part in readings[0].versions} if readings else set()
    if explicit is None and types & {"explicit", "clean"}:
        explicit = "explicit" in types
    return LinkageRecord(
        kind=upload.kind,
        source_kind=upload.source_kind,
        readings=readings,
        artists=artists,
        contributors=contributors,
        albums=tuple(dict.fromkeys(normalize_text(r.title) for r in upload.releases if r.title)),
        label=normalize_text(label) if label else None,
        year=_year(upload),
        duration_ms=upload.duration_ms or slipped.duration_ms,
        languages=_languages(upload),
        isrcs=tuple(isrcs),
        doubtful_isrcs=doubtful_isrcs(isrcs, upload.recorded.date),
        guests=_guests(upload, readings, artists),
        iswcs=tuple(sorted({value for value in iswcs if value})),
        gtins=tuple(sorted({value for value in gtins if value})),
        mbid=_uuid(upload.identifiers.mbid),
        acoustid=_uuid(upload.identifiers.acoustid),
        proprietary=tuple(
            sorted({f"{entry.namespace}={entry.value}" for entry in upload.identifiers.proprietary})
        ),
        video_ids=(f"{(video.platform or '').lower()}={video.video_id}",) if video and video.video_id else (),
        track_number=tracks[0] if tracks else None,
        explicit=explicit,
        declared_cover=upload.declared.cover,
        instrumental=upload.declared.instrumental,
        artist_ids=_artist_ids(upload),
    )


def text_for_embedding(record: LinkageRecord) -> str:
    """Give base title and, on the next line, main artist, version words stripped; empty without a title."""
    if not record.readings:
        return ""
    reading = record.readings[0]
    artist = reading.artist or (record.artists[0] if record.artists else "")
    return f"{reading.base}\n{artist}"
