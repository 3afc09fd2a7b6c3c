"""The fields of an upload that a column can fill, and what kind of thing stands in each."""

from enum import StrEnum

from streams.core.upload_json import ARTIST_ROLES


class FieldKind(StrEnum):
    """How a cell is read."""

    text = "text"
    texts = "texts"
    people = "people"
    whole = "whole"
    date = "date"
    duration = "duration"
    isrc = "isrc"
    iswc = "iswc"
    gtin = "gtin"
    isni = "isni"
    ipi = "ipi"
    uuid = "uuid"
    flag = "flag"
    explicit = "explicit"
    languages = "languages"


_ROLE_OF_FIELD: dict[str, str] = {"artist": "main", "other_artist": "other"}
PEOPLE: dict[str, str] = _ROLE_OF_FIELD | {role: role for role in sorted(ARTIST_ROLES - {"main", "other"})}
"""Fields that name artists, and the role that each gives."""

FIELDS: dict[str, FieldKind] = {
    "title": FieldKind.text,
    "version": FieldKind.text,
    "version_types": FieldKind.texts,
    "alternative_titles": FieldKind.texts,
    "languages": FieldKind.languages,
    "genre": FieldKind.text,
    **dict.fromkeys(PEOPLE, FieldKind.people),
    "artist_isni": FieldKind.isni,
    "work_title": FieldKind.text,
    "iswc": FieldKind.iswc,
    "writer": FieldKind.people,
    "writer_ipi": FieldKind.ipi,
    "album": FieldKind.text,
    "gtin": FieldKind.gtin,
    "date": FieldKind.date,
    "label": FieldKind.text,
    "track_number": FieldKind.whole,
    "disc_number": FieldKind.whole,
    "duration": FieldKind.duration,
    "isrc": FieldKind.isrc,
    "mbid": FieldKind.uuid,
    "acoustid": FieldKind.uuid,
    "proprietary_id": FieldKind.texts,
    "instrumental": FieldKind.flag,
    "explicit": FieldKind.explicit,
    "cover": FieldKind.flag,
    "vocals": FieldKind.flag,
    "recorded_date": FieldKind.date,
    "recorded_place": FieldKind.text,
    "p_line": FieldKind.text,
    "c_line": FieldKind.text,
    "video_platform": FieldKind.text,
    "video_id": FieldKind.text,
    "channel": FieldKind.text,
    "channel_id": FieldKind.text,
    "description": FieldKind.text,
    "published_at": FieldKind.text,
    "audio": FieldKind.texts,
    "video": FieldKind.texts,
    "artwork": FieldKind.texts,
    "kind": FieldKind.text,
    "operation": FieldKind.text,
    "revision": FieldKind.whole,
}

NAMES_NOTHING_ELSE = frozenset(
    {FieldKind.duration, FieldKind.date, FieldKind.isrc, FieldKind.iswc, FieldKind.gtin, FieldKind.uuid}
)
"""Kinds with a form of their own: they show where a row has slipped."""

SEVERAL = frozenset({FieldKind.texts, FieldKind.people, FieldKind.isrc, FieldKind.languages})
"""Kinds of which an upload may have more than one."""
