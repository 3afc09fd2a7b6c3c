"""Durations, numbers, albums, identifiers: facts that either agree or do not."""

from rapidfuzz import fuzz

from streams.core.field_levels.prepared import Prepared
from streams.core.hearing import ABSENT
from streams.core.records import LinkageRecord

_OF_PUBLISHERS = frozenset({"opus", "number"})
"""Numbers that a catalogue of all works of a composer overrules: sonatas are counted in several ways."""
_PLACED = frozenset({"opus", "opus_number"})


def compare_durations(left: int | None, right: int | None) -> str:
    """Compare durations in milliseconds."""
    if left is None or right is None:
        return ABSENT
    apart = abs(left - right)
    if apart <= 1_000:
        return "second"
    if apart <= 3_000:
        return "three_seconds"
    if apart <= 7_000:
        return "seven_seconds"
    return "near" if apart <= 20_000 else "far"


def compare_numbers(left: Prepared, right: Prepared) -> tuple[str, str | None]:
    """Compare the numbers of two works, scheme by scheme; with the scheme that is in conflict."""
    if not left.numbers or not right.numbers:
        return ABSENT, None
    both = [scheme for scheme in left.numbers if scheme in right.numbers]
    agree = {scheme for scheme in both if _share_a_number(left.numbers[scheme], right.numbers[scheme])}
    # An opus with the number in it names a piece as a catalogue does: "Etude No. 17, Op. 25 No. 5".
    catalogued = agree >= _PLACED or any(scheme.startswith("catalogue:") for scheme in agree)
    for scheme in both:
        if scheme not in agree and not (
            catalogued and (scheme in _OF_PUBLISHERS or scheme.startswith("catalogue:"))
        ):
            return "conflict", scheme
    return ("equal" if agree else ABSENT), None


def _share_a_number(left: set[str], right: set[str]) -> bool:
    """Say whether two sets of numbers have one in common: 37 and 37a are one, 37a and 37b are not."""
    if left & right:
        return True
    return any(
        one.rstrip(_LETTERS) == other.rstrip(_LETTERS) and (one[-1:].isdigit() or other[-1:].isdigit())
        for one in left
        for other in right
    )


_LETTERS = "abcdefgh"


def compare_sets(left: frozenset[str] | tuple[str, ...], right: frozenset[str] | tuple[str, ...]) -> str:
    """Say whether two sets share something; one that is empty says nothing."""
    if not left or not right:
        return ABSENT
    return "different" if set(left).isdisjoint(right) else "equal"


SHARED = frozenset({"equal", "equal_doubtful"})


def compare_isrcs(left: LinkageRecord, right: LinkageRecord) -> str:
    """Compare ISRCs; what both share may be older than what one of them says was recorded."""
    level = compare_sets(left.isrcs, right.isrcs)
    doubtful = {*left.doubtful_isrcs, *right.doubtful_isrcs}
    if level == "equal" and doubtful and doubtful.issuperset({*left.isrcs} & {*right.isrcs}):
        return "equal_doubtful"
    return level


def compare_albums(left: Prepared, right: Prepared) -> str:
    """Compare the titles of albums, letter by letter."""
    if not left.albums or not right.albums:
        return ABSENT
    if left.albums & right.albums:
        return "equal"
    if not left.legible_albums or not right.legible_albums:
        return ABSENT
    for one in left.legible_albums:
        for other in right.legible_albums:
            if fuzz.ratio(one, other, score_cutoff=_NEAR_ALBUM) >= _NEAR_ALBUM:
                return "near"
    return "near" if _is_left_of(left, right) or _is_left_of(right, left) else "different"


def _is_left_of(own: Prepared, other: Prepared) -> bool:
    """Say whether an album is what a sender left of the other who drops what is not Latin, the artist too."""
    return bool(other.remnants) and not own.artists and not own.albums.isdisjoint(other.remnants)


_NEAR_ALBUM = 80


def compare_years(left: int | None, right: int | None) -> str:
    """Compare years."""
    if left is None or right is None:
        return ABSENT
    apart = abs(left - right)
    return "equal" if apart == 0 else "near" if apart <= 1 else "different"


def compare_gtins(left: LinkageRecord, right: LinkageRecord) -> str:
    """Compare bar codes; one of both says more with the number of the track."""
    if not left.gtins or not right.gtins or set(left.gtins).isdisjoint(right.gtins):
        return ABSENT  # another release says nothing of the recording
    if left.track_number is None or right.track_number is None:
        return "equal"
    return "same_track" if left.track_number == right.track_number else "other_track"


def compare_tracks(left: Prepared, right: Prepared, album: str) -> str:
    """Compare the places on an album; on different albums, or where one names none, a number says less."""
    one, other = left.track_number, right.track_number
    if one is None or other is None:
        return ABSENT
    if album in _SAME_ALBUM:
        return "same_place" if one == other else "other_place"
    return ("number_equal" if one == other else "number_different") if album == ABSENT else ABSENT


_SAME_ALBUM = frozenset({"equal", "near"})


def may_share_a_place(left: Prepared, right: Prepared) -> bool:
    """Say whether both may stand at one place of one album, whatever their titles are."""
    number = left.track_number
    return number is not None and number == right.track_number and compare_albums(left, right) != "different"


def compare_ids(left: LinkageRecord, right: LinkageRecord) -> str:
    """Compare what names a recording elsewhere, the most telling first."""
    if left.mbid and right.mbid:
        return "mbid_equal" if left.mbid == right.mbid else "mbid_different"
    if left.proprietary and not set(left.proprietary).isdisjoint(right.proprietary):
        return "proprietary_equal"
    if left.acoustid and left.acoustid == right.acoustid:
        return "acoustid_equal"
    if left.video_ids and not set(left.video_ids).isdisjoint(right.video_ids):
        return "video_equal"
    return ABSENT


def compare_flags(left: bool | None, right: bool | None) -> str:
    """Compare what is declared, yes or no."""
    if left is None or right is None:
        return ABSENT
    return "equal" if left == right else "different"
