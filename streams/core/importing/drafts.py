"""From values of fields to the JSON form of an upload."""

from collections.abc import Mapping, Sequence
from typing import Any

from streams.core.importing.fields import PEOPLE

Values = Mapping[str, Sequence[Any]]
Draft = dict[str, Any]


def _first(values: Values, name: str) -> Any:
    found = values.get(name, ())
    return found[0] if found else None


def said(**parts: Any) -> Draft:
    """Keep what says something."""
    return {name: value for name, value in parts.items() if value not in (None, [], {}, ())}


def make_draft(values: Values, *, given: Mapping[str, Any]) -> Draft:
    """Put values where an upload has them.

    Parameters
    ----------
    values : mapping
        of each field, what was read; people are artists already
    given : mapping
        what is not of a column: source, item_id, kind, source_kind, ext
    """
    artists = [artist for name in PEOPLE for artist in values.get(name, ())]
    isnis = values.get("artist_isni", ())
    if isnis and len(isnis) <= len(artists):
        artists = [
            {**artist, "ids": {"isni": isni}} for artist, isni in zip(artists, isnis, strict=False)
        ] + artists[len(isnis) :]
    release = said(
        title=_first(values, "album"),
        **{name: _first(values, name) for name in ("gtin", "date", "label", "track_number", "disc_number")},
    )
    draft = said(
        **{
            name: _first(values, name)
            for name in ("title", "version", "genre", "revision", "operation", "kind")
        },
        version_types=list(values.get("version_types", ())),
        languages=list(dict.fromkeys(values.get("languages", ()))),
        alternative_titles=[{"text": text} for text in values.get("alternative_titles", ())],
        artists=artists,
        works=_works(values),
        releases=[release] if release else [],
        duration_ms=_first(values, "duration"),
        identifiers=said(
            isrc=list(dict.fromkeys(values.get("isrc", ()))),
            mbid=_first(values, "mbid"),
            acoustid=_first(values, "acoustid"),
            proprietary=[
                {"namespace": given["source"], "value": value} for value in values.get("proprietary_id", ())
            ],
        ),
        declared=said(
            **{name: _first(values, name) for name in ("instrumental", "explicit", "cover", "vocals")}
        ),
        recorded=said(date=_first(values, "recorded_date"), place=_first(values, "recorded_place")),
        rights=said(p_line=_first(values, "p_line"), c_line=_first(values, "c_line")),
        video=said(
            platform=_first(values, "video_platform"),
            **{
                name: _first(values, name)
                for name in ("video_id", "channel", "channel_id", "description", "published_at")
            },
        ),
        media=[
            {"role": role, "uri": uri}
            for role in ("audio", "video", "artwork")
            for uri in values.get(role, ())
        ],
    )
    return {**said(**given), **draft}


def _works(values: Values) -> list[Draft]:
    writers = [{"name": writer["name"]} for writer in values.get("writer", ())]
    ipis = values.get("writer_ipi", ())
    if len(ipis) == len(writers):
        writers = [{**writer, "ipi": ipi} for writer, ipi in zip(writers, ipis, strict=True)]
    work = said(title=_first(values, "work_title"), iswc=_first(values, "iswc"), writers=writers)
    return [work] if work else []
