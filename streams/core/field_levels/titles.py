"""Titles: the best pair of readings, and how far it agrees."""

from rapidfuzz import fuzz

from streams.core.field_levels.beside import Beside, what_stands_beside
from streams.core.field_levels.prepared import Prepared
from streams.core.hearing import ABSENT
from streams.core.names import SAME, compare_names
from streams.core.names.comparing import WITHIN
from streams.core.titles.pieces import OTHER, PART, PIECE, compare_pieces
from streams.core.titles.subtitles import share_a_title
from streams.core.wording import CONTAINMENTS, containment


def compare_titles(left: Prepared, right: Prepared) -> tuple[str, int, int]:
    """Compare the best pair of readings: level and both readings."""
    if not left.bases or not right.bases:
        return ABSENT, 0, 0
    if not left.squeezed_set.isdisjoint(right.squeezed_set) and (equal := _equal_readings(left, right)):
        i, j = equal
        long = len(left.squeezed[i]) >= 10 or len(left.title_tokens[i]) >= 3
        return ("exact" if long else "exact_short"), i, j
    if left.pieces and right.pieces and (piece := _compare_pieces(left, right)):
        return piece, 0, 0
    if (left.other_titles or right.other_titles) and _share_a_title(left, right):
        return "subtitle", 0, 0
    best, where = 0.0, (0, 0)
    for i, base in enumerate(left.squeezed):
        for j, other in enumerate(right.squeezed):
            if _same_artist_read(left, right, i, j):
                continue
            ratio = fuzz.ratio(base, other, score_cutoff=best)
            if ratio > best:
                best, where = ratio, (i, j)
    if best >= 90:
        return "near", *where
    if left.any_title_token.isdisjoint(right.any_title_token):
        found, at = None, (0, 0)
    else:
        beside = what_stands_beside(left, right)
        if beside and (agreeing := beside.agreeing(left, right)):
            return "beside_artist", *agreeing
        found, at = _containment(left, right, beside)
    if found in {"phrase", "contained"}:
        return found, *at
    if best >= 80:
        return "similar", *where
    if found is not None:
        return found, *at
    return ("some" if best >= 60 else "different"), *where


def _share_a_title(left: Prepared, right: Prepared) -> bool:
    """Say whether one title is a half of the other, as its subtitle is, or both have one half in common."""
    return (
        right.squeezed[0] in left.other_titles
        or left.squeezed[0] in right.other_titles
        or share_a_title(left.other_titles, right.other_titles)
    )


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
    return (CONTAINMENTS[best] if best >= 0 else None), at


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
