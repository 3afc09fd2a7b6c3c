"""Rows of the version taxonomy: what each kind of version keeps of the recording that it goes back to."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of version.

    Attributes
    ----------
    marks : tuple of str
        how it is announced, one of them; none: by nothing
    same_recording : bool
    same_work : bool, optional
        none: a derived work, so that nobody is judged at work level
    artist : str
        same, other (a singer of another song), backing (a studio band), remixer (beside the artist)
    length : tuple of float
        bounds of the ratio to the length of the first recording
    declared : str, optional
        as DDEX names it
    is_video : bool
    new_isrc : bool
    titled : str
        same; both (beside another song's); like (its first word, then another song's title); english; own
    related : str, optional
        the relation to the first recording that the sender declares
    """

    marks: tuple[str, ...] = ()
    same_recording: bool = False
    same_work: bool | None = True
    artist: str = "same"
    length: tuple[float, float] = (1.0, 1.0)
    declared: str | None = None
    is_video: bool = False
    new_isrc: bool = True
    titled: str = "same"
    related: str | None = None


ROWS: Final[dict[str, Row]] = {
    "copy": Row(same_recording=True, new_isrc=False),
    "album_version": Row(marks=("album",), same_recording=True, new_isrc=False, declared="Album"),
    "remaster": Row(marks=("remaster",), same_recording=True, length=(0.996, 1.006)),
    "mono": Row(marks=("mono",), same_recording=True, length=(0.998, 1.002), declared="Mono"),
    "new_mix": Row(marks=("new_mix", "immersive"), length=(0.99, 1.01), declared="Mix"),
    "radio_edit": Row(marks=("radio_edit",), length=(0.7, 0.9), declared="Radio"),
    "extended": Row(marks=("extended",), length=(1.3, 1.9)),
    "clean": Row(marks=("clean",), declared="Clean"),
    "instrumental": Row(marks=("instrumental",), declared="Instrumental"),
    "karaoke": Row(marks=("karaoke",), artist="backing", length=(0.99, 1.03), declared="Karaoke"),
    "a_cappella": Row(marks=("a_cappella",), length=(0.8, 1.0), declared="ACappella"),
    "sped_up": Row(marks=("sped_up",), length=(0.76, 0.87)),
    "slowed": Row(marks=("slowed",), length=(1.12, 1.25)),
    "remix": Row(marks=("remix",), artist="remixer", length=(0.9, 1.6), declared="Remix"),
    "bootleg": Row(marks=("bootleg",), artist="remixer", length=(0.9, 1.6)),
    "mashup": Row(marks=("mashup",), same_work=None, titled="both", length=(0.8, 1.2)),
    "medley": Row(marks=("medley",), same_work=None, titled="both", length=(1.2, 1.9)),
    "dj_mix": Row(marks=("dj_mix",), same_work=None, artist="remixer", length=(0.6, 0.95)),
    "live": Row(marks=("live",), length=(1.03, 1.3), declared="Live"),
    "acoustic": Row(marks=("acoustic",), length=(0.85, 1.12)),
    "demo": Row(marks=("demo",), length=(0.8, 1.1), declared="Demo"),
    "session": Row(marks=("session",), length=(0.92, 1.1), declared="Session"),
    "rerecording": Row(marks=("rerecording",), length=(0.98, 1.05)),
    "cover": Row(marks=("cover",), artist="other", length=(0.85, 1.2)),
    "plain_cover": Row(artist="other", length=(0.85, 1.2)),
    "tribute": Row(marks=("tribute",), artist="backing", length=(0.97, 1.04)),
    "language_version": Row(marks=("language",), length=(0.98, 1.03)),
    "translated_cover": Row(artist="other", length=(0.85, 1.2), titled="english"),
    "parody": Row(marks=("parody",), same_work=None, artist="other", length=(0.9, 1.1), titled="like"),
    "sample": Row(same_work=None, artist="other", length=(0.7, 1.4), titled="own", related="samples"),
    "quotation": Row(same_work=None, artist="other", length=(0.7, 1.4), titled="like", related="quotes"),
    "excerpt": Row(marks=("excerpt",), length=(0.1, 0.4)),
    "ai_voice": Row(marks=("ai_voice",), length=(1.0, 1.0)),
    "official_audio": Row(marks=("audio",), same_recording=True, new_isrc=False),
    "music_video": Row(marks=("video",), length=(1.0, 1.15), is_video=True),
    "live_video": Row(marks=("live_video",), length=(1.03, 1.3), is_video=True),
    "lyric_video": Row(marks=("lyric_video",), length=(0.995, 1.02), is_video=True),
}
"""In the order of the taxonomy. What only shares a span is a song of its own, nobody's version."""
