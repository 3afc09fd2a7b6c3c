"""Titles: the best pair of readings, and how far it agrees."""

from rapidfuzz import fuzz

from streams.core.field_levels.beside import Beside, is_glued, what_stands_beside
from streams.core.field_levels.prepared import Prepared
from streams.core.hearing import ABSENT
from streams.core.names import SAME, compare_names
from streams.core.names.comparing import WITHIN
from streams.core.titles.mistyped import is_mistyped
from streams.core.titles.pieces import OTHER, PART, PIECE, compare_pieces
from streams.core.titles.small_words import only_leaves_out
from streams.core.titles.subtitles import Halves, share_a_title
from streams.core.wording import CONTAINMENTS, containment


def compare_titles(left: Prepared, right: Prepared) -> tuple[str, int, int]:
    """Compare the best pair of readings: level and both readings."""
    if not left.bases or not right.bases or left.described or right.described:
        return ABSENT, 0, 0
    if not left.squeezed_set.isdisjoint(right.squeezed_set) and (equal := _equal_readings(left, right)):
        i, j = equal
        return ("exact" if left.are_long[i] and right.are_long[j] else "exact_short"), i, j
    if left.pieces and right.pieces and (piece := _compare_pieces(left, right)):
        return piece, 0, 0
    if left.named_by_form and left.named_by_form == right.named_by_form and _one_composer(left, right):
        return PIECE, 0, 0
    if (left.halves or right.halves) and (shared := _share_a_title(left, right)):
        return shared, 0, 0
    best, where = _nearest_readings(left, right, left.squeezed, right.squeezed)
    if (left.keyless is None) is not (right.keyless is None):
        # A key that only one side names is no difference: "Quartet No. 1, D minor, Op. 7".
        without = _nearest_readings(
            left, right, left.keyless or left.squeezed, right.keyless or right.squeezed
        )
        best, where = max((best, where), without, key=lambda found: found[0])
    if best >= 80 and is_mistyped(left.bases[where[0]], right.bases[where[1]]):
        return MISTYPED, *where
    if best >= 90:
        return "near", *where
    if is_glued(left, right):
        return "beside_artist", 0, 0
    if left.any_title_token.isdisjoint(right.any_title_token):
        found, at = None, (0, 0)
        if not (
            left.joined.isdisjoint(right.any_title_token) and right.joined.isdisjoint(left.any_title_token)
        ):
            found = _written_apart(left, right)
    else:
        if told := _but_for_small_words(left, right):
            return MAIN_TITLE, *told
        beside = what_stands_beside(left, right)
        if beside and (agreeing := beside.agreeing(left, right)):
            return "beside_artist", *agreeing
        found, at = _containment(left, right, beside)
    if found in _ALL_WORDS:
        return found, *at
    if best >= 80:
        return "similar", *where
    if found is not None:
        return found, *at
    if _is_a_place(left, right) or _is_a_place(right, left):
        return ABSENT, 0, 0
    return ("some" if best >= 60 else "different"), *where


def _nearest_readings(
    left: Prepared, right: Prepared, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> tuple[float, tuple[int, int]]:
    """Find the two readings that are spelt most alike, and how much: 100 is equal."""
    best, where = 0.0, (0, 0)
    for i, base in enumerate(ours):
        who = left.with_artist[i]
        for j, other in enumerate(theirs):
            if who is not None and who == right.with_artist[j]:
                continue  # both take one artist for the title
            ratio = fuzz.ratio(base, other, score_cutoff=best)
            if ratio > best:
                best, where = ratio, (i, j)
    return best, where


def _is_a_place(own: Prepared, other: Prepared) -> bool:
    """Say whether a title is but the number of the track, which says nothing of another title."""
    written = own.whole_title
    if not written.isdecimal():
        return False
    return written.startswith("0") or int(written) in {own.track_number, other.track_number}


def _but_for_small_words(left: Prepared, right: Prepared) -> tuple[int, int] | None:
    """Find two readings that are one title but for small words that one of them leaves out."""
    if left.telling_set.isdisjoint(right.telling_set):
        return None
    for i, one in enumerate(left.telling):
        if one is None:
            continue
        for j, other in enumerate(right.telling):
            if (
                one == other
                and not _same_artist_read(left, right, i, j)
                and only_leaves_out(left.bases[i], right.bases[j])
            ):
                return i, j
    return None


def _share_a_title(left: Prepared, right: Prepared) -> str | None:
    """Say whether one title is a half of the other, as its subtitle is, or both have one half in common.

    A title is told without its subtitle as well as with it, and with the two the other way round; but what
    too many songs are called is a half of a title.
    """
    found = [_is_half(one.halves, other) for one, other in ((left, right), (right, left)) if one.halves]
    if left.halves and right.halves:
        swapped = left.halves.squeezed == right.halves.squeezed[::-1]
        found.append(
            MAIN_TITLE if swapped else "subtitle" if share_a_title(left.halves, right.halves) else None
        )
    return MAIN_TITLE if MAIN_TITLE in found else "subtitle" if "subtitle" in found else None


def _is_half(halves: Halves, other: Prepared) -> str | None:
    first, second = halves.squeezed
    if halves.bracketed and first == other.squeezed[0] and _says_enough(halves.first):
        return MAIN_TITLE
    return "subtitle" if other.squeezed[0] in (first, second) else None


def _says_enough(main: str) -> bool:
    """Say whether a title of which only the subtitle lacks is told by what is left: one short word is not."""
    return " " in main or len(main) >= _LONG_WORD


MAIN_TITLE, MISTYPED = "main_title", "mistyped"
_PHRASES = frozenset({"short_phrase", "phrase"})
_ALL_WORDS = _PHRASES | {"contained"}
_LONG_WORD = 10


def _compare_pieces(left: Prepared, right: Prepared) -> str | None:
    """Give the best that any two of their titles say of a piece."""
    one_composer = _one_composer(left, right)
    found = {
        compare_pieces(one, other, one_composer=one_composer) for one in left.pieces for other in right.pieces
    }
    return next((level for level in (PIECE, PART, OTHER) if level in found), None)


def _one_composer(left: Prepared, right: Prepared) -> bool | None:
    """Say whether two records name a composer, and the same; none where one of them names nobody.

    Some senders give the composer as the artist, some by the last name alone.
    """
    ours, theirs = left.contributor_forms, right.contributor_forms
    if not left.contributors.isdisjoint(right.contributors | right.artists):
        return True
    if not right.contributors.isdisjoint(left.artists):
        return True
    if not ours or not theirs:
        return None
    return any(compare_names(one, other) in _ONE_COMPOSER for one in ours for other in theirs)


_ONE_COMPOSER = frozenset({*SAME, WITHIN})


def _containment(
    left: Prepared, right: Prepared, beside: Beside | None
) -> tuple[str | None, tuple[int, int]]:
    """Find the two readings of which one is contained best in the other; a shared name is no shared title."""
    best, at = -1, (0, 0)
    for i, tokens in enumerate(left.title_tokens[:3]):
        one = beside.left.get(i) if beside else None
        base, words = (one, frozenset(one.split())) if one else (left.bases[i], tokens)
        for j, others in enumerate(right.title_tokens[:3]):
            if _same_artist_read(left, right, i, j):
                continue
            other = beside.right.get(j) if beside else None
            found = (
                containment(base, other, words, frozenset(other.split()))
                if other
                else containment(base, right.bases[j], words, others)
            )
            if found is not None and (rank := CONTAINMENTS.index(found)) > best:
                best, at = rank, (i, j)
    for one_side, other_side in ((left, right), (right, left)):
        if one_side.halves is not None and (found := _halves_within(one_side, other_side)) is not None:
            best = max(best, CONTAINMENTS.index(found))
    return (CONTAINMENTS[best] if best >= 0 else None), at


def _written_apart(left: Prepared, right: Prepared) -> str | None:
    """Say whether one title stands in the other but for a space: "Stardust" in "Star Dust, New York"."""
    for one, other in ((left, right), (right, left)):
        if any(base in other.joined for base in one.bases[:3]):
            return "contained"
        if any(base in other.any_title_token for base in one.joined.intersection(one.squeezed[:3])):
            return "contained"
    return None


def _halves_within(own: Prepared, other: Prepared) -> str | None:
    """Find a half of a title in the other's title: "Blue Door (The Long Way)" in "Ana Rio sings Blue Door".

    On platforms a bracket may name anybody. Of two titles with a bracket each only what a phrase says counts.
    """
    halves = own.halves
    if halves is None:
        return None
    told = (halves.first,) if own.of_platform and halves.bracketed else (halves.first, halves.second)
    found: list[str] = []
    for half in told:
        words = frozenset(half.split())
        for base, others in zip(other.bases[:3], other.title_tokens[:3], strict=True):
            if words <= others and (level := containment(half, base, words, others)):
                found.append(level)
    if other.halves is not None:
        found = [level for level in found if level in _PHRASES]
    # A half stands in other titles more often than a whole one ("Here I Am (All Day)", "Here I Am (Again)").
    weakest = CONTAINMENTS.index("contained")
    return CONTAINMENTS[min(weakest, max(map(CONTAINMENTS.index, found)))] if found else None


def _same_artist_read(left: Prepared, right: Prepared, i: int, j: int) -> bool:
    """Say whether two readings take one artist for the title, so that their agreeing says nothing of it."""
    return left.with_artist[i] is not None and left.with_artist[i] == right.with_artist[j]


def _equal_readings(left: Prepared, right: Prepared) -> tuple[int, int] | None:
    """Find the likeliest two readings that are equal, if any say so; the same two from either side."""
    if left.squeezed[0] == right.squeezed[0]:
        return 0, 0
    equal = [
        (i + j, base, i, j)
        for i, base in enumerate(left.squeezed)
        for j, other in enumerate(right.squeezed)
        if base == other and not _same_artist_read(left, right, i, j)
    ]
    return min(equal)[2:] if equal else None
