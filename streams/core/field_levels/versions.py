"""Version words: what both say, and what one side leaves out."""

from typing import Final

from streams.core.field_levels.prepared import Prepared, prepare
from streams.core.normalize import fold_diacritics, normalize_text
from streams.core.records import LinkageRecord, VersionPart
from streams.core.titles.mistyped import is_mistyped
from streams.core.versions import USUAL, details_conflict, exclude_each_other, relation_between

ONE_SIDED = frozenset({"one_sided", "one_sided_edit", "crossed"})
"""Levels where a version word is left unanswered: its sender may have added it, or the other dropped it."""

Versions = tuple[str, str | None, str | None]
NO_VERSION: Final[Versions] = ("none", None, None)
"""Neither side says anything: what nearly every pair is."""


def compare_versions(left: Prepared, right: Prepared, i: int, j: int) -> Versions:
    """Give level, relation and cannot-link of two readings."""
    ours, theirs = left.types[i], right.types[j]
    if not ours and not theirs:
        return NO_VERSION
    relation = relation_between(ours, theirs)
    denied = _denied(ours, right) or _denied(theirs, left)
    if denied:
        return "conflict", relation, f"version:{denied}"
    special, other = ours - USUAL, theirs - USUAL
    if not special and not other:  # words for the usual version
        return ("equal" if ours & theirs else "none"), None, None
    if exclude_each_other(ours, theirs):
        pair = "|".join(sorted((min(ours - theirs), min(theirs - ours))))
        return "conflict", relation, f"version:{pair}"
    vague = False
    for name in sorted(special & other):
        one, two = left.versions[i][name], right.versions[j][name]
        if details_conflict(one, two):
            return "other_detail", None, f"version:{name}|other"
        vague = vague or bool(one.detail) != bool(two.detail)
    if special == other:
        return ("equal_vague" if vague else "equal"), None, None
    if special - other and other - special:
        return "crossed", None, None
    silent, told, index = (right, left, i) if special > other else (left, right, j)
    only = special ^ other
    if only <= silent.album_types or all(_is_album(told.versions[index][name], silent) for name in only):
        return "on_album", relation, None
    if all(_is_mistyped_in(told.versions[index][name], told, silent) for name in only):
        return "equal_vague", None, None
    return ("one_sided_edit" if only <= {"edit", "clean"} else "one_sided"), relation, None


def _denied(types: frozenset[str], other: Prepared) -> str | None:
    """Name what one side is and the other declares not to be."""
    if "clean" in types and other.explicit:
        return "clean|explicit"
    if other.instrumental is False and types & {"instrumental", "karaoke"}:
        return "instrumental|vocal"
    return None


def _is_album(part: VersionPart, record: Prepared) -> bool:
    """Say whether a qualifier names the other's album: then the other says as much."""
    text = fold_diacritics(normalize_text(part.text)).replace(" ", "")
    return any(
        text == album or (min(len(text), len(album)) >= _LONG_NAME and (text in album or album in text))
        for album in record.albums
    )


def _is_mistyped_in(part: VersionPart, told: Prepared, silent: Prepared) -> bool:
    """Say whether the title of who seems to leave a version word out has it with a typing error."""
    text = fold_diacritics(normalize_text(part.text)) if part.text else ""
    return bool(text) and text in told.written and is_mistyped(told.written, silent.written)


_LONG_NAME = 10


def declared_versions(record: LinkageRecord | None) -> str:
    """Say in words what a sender declares of the version."""
    types = prepare(record).types[0] - USUAL if record is not None else frozenset[str]()
    return ", ".join(sorted(types)).replace("_", " ") or "original"
