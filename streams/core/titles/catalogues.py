"""How the numbers of catalogues of works are written: each composer's has letters of its own."""

import re
from typing import Final

CATALOGUES: Final = tuple(
    (f"catalogue:{letters}", re.compile(pattern, flags))
    for letters, pattern, flags in (
        ("bwv", r"\bbwv\.?\s*((?:anh(?:ang)?\.?\s*(?:[iv]+[.,/]?\s*)?)?\d+[a-z]?)\b", re.IGNORECASE),
        ("k", r"\bk[kv]?\.?\s?((?:anh\.?\s?)?\d{1,3}[a-z]?)\b", re.IGNORECASE),
        ("d", r"\bD\.?\s?(\d{2,3})\b", re.NOFLAG),
        ("hob", r"\b(?:hob\.?|H\.)\s*([ivx]+(?:[:/-]\s?|\s+no\.?\s?)\d+)\b", re.IGNORECASE),
        ("rv", r"\brv\.?\s*(\d+)\b", re.IGNORECASE),
        ("hwv", r"\bhwv\.?\s*(\d+)\b", re.IGNORECASE),
        ("l", r"\bL\.\s?(\d+)\b", re.NOFLAG),
        ("s", r"\bS(?:\.\s?(?=\d\d)|(?=\d{3}))(\d{2,3}[a-z]?)\b", re.NOFLAG),
        ("woo", r"\bwoo\.?\s*(\d+)\b", re.IGNORECASE),
        ("buxwv", r"\bbuxwv\.?\s*(\d+)\b", re.IGNORECASE),
        ("twv", r"\btwv\.?\s*(\d+:\w+)\b", re.IGNORECASE),
        ("wq", r"\bwq\.?\s*(\d+)\b", re.IGNORECASE),
        ("sz", r"\bsz\.?\s*(\d+)\b", re.IGNORECASE),
        ("wab", r"\bwab\.?\s*(\d+)\b", re.IGNORECASE),
        ("wwv", r"\bwwv\.?\s*(\d+)\b", re.IGNORECASE),
        ("mwv", r"\bmwv\.?\s*([a-z]\.?\s?\d+)\b", re.IGNORECASE),
        ("swv", r"\bswv\.?\s*(\d+)\b", re.IGNORECASE),
        ("lwv", r"\blwv\.?\s*(\d+)\b", re.IGNORECASE),
        ("trv", r"\btrv\.?\s*(\d+)\b", re.IGNORECASE),
        ("z", r"\bZ(?:\.\s?(?=\d)|(?=\d{3}))(\d{1,3}[a-z]?)\b", re.NOFLAG),
        ("g", r"\bG\.\s?(\d{2,3}[a-z]?)\b", re.NOFLAG),
        ("b", r"\bB\.\s?(\d{2,3})\b", re.NOFLAG),
        ("m", r"\bM\.\s?(\d{1,2}[a-z]?)\b", re.NOFLAG),
        ("fp", r"\bFP\.?\s?(\d{1,3}[a-z]?)\b", re.NOFLAG),
    )
)
"""Schemes and patterns. Letters that begin many words count only in capitals, with a point or many digits."""

LETTERS: Final = frozenset({"kv", "kk", "h"}.union(scheme.rpartition(":")[2] for scheme, _ in CATALOGUES))
"""Words without which no pattern finds anything."""

_RANGE = re.compile(r"\s?-\s?\d")


def is_range(text: str, end: int) -> bool:
    """Say whether a number goes on to another: "BWV 846-869" is a collection."""
    return _RANGE.match(text, end) is not None
