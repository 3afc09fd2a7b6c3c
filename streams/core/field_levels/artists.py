"""Who performs."""

from streams.core.field_levels.prepared import Prepared
from streams.core.hearing import ABSENT
from streams.core.names import SAME, compare_names
from streams.core.names.comparing import CLOSE, DIFFERENT, WITHIN


def compare_artists(left: Prepared, right: Prepared) -> str:
    """Compare who performs: the level of the two names that are nearest to each other."""
    if shared := left.artists & right.artists:
        return "equal" if not (left.guests or right.guests) or _of_both(left, right, shared) else GUEST
    if not left.artist_forms or not right.artist_forms:
        return "in_title" if _named_in_title(left, right) or _named_in_title(right, left) else ABSENT
    if not left.artist_ids.isdisjoint(right.artist_ids):
        return "equal"
    found = set()
    for one in left.artist_forms:
        for other in right.artist_forms:
            found.add(compare_names(one, other))
    for level in SAME:
        if level in found:
            return level
    if left.contributors & right.artists or right.contributors & left.artists:
        return "contributor"
    if CLOSE in found:
        return CLOSE
    if _named_in_title(left, right) or _named_in_title(right, left):
        return "in_title"
    if WITHIN in found:
        return WITHIN
    return "uploader_differs" if left.uploaded or right.uploaded else DIFFERENT


GUEST = "guest"


def _of_both(left: Prepared, right: Prepared, shared: frozenset[str]) -> bool:
    """Say whether two credits that share a name are one artist's: of a guest alone they may be two songs."""
    if shared - left.guests - right.guests:
        return True
    ours, theirs = _leading(left), _leading(right)
    if not ours.isdisjoint(right.artists) and not theirs.isdisjoint(left.artists):
        return True  # each is the guest of the other
    return any(
        compare_names(one, other) in SAME
        for one in left.artist_forms
        for other in right.artist_forms
        if one.key in ours and other.key in theirs
    )


def _leading(own: Prepared) -> frozenset[str]:
    """Give who is no guest, and no credit that names one with the others."""
    return frozenset(key for key in own.artists if not any(guest in key for guest in own.guests))


def _named_in_title(one: Prepared, other: Prepared) -> bool:
    """Say whether a title names an artist whom the other side gives as such."""
    title = other.whole_title
    for name in one.findable:
        if name in title:
            return True
    return False
