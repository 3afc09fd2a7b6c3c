"""Cells that name several artists: cut only at the signs that a mapping declares."""

import re
from collections.abc import Sequence
from typing import Any


def read_people(
    text: str, *, role: str, split: Sequence[str] = (), featured_after: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Read the artists of a cell.

    Parameters
    ----------
    text : str
    role : str
        of those not named as featured
    split, featured_after : sequence of str
        signs between artists, and signs after which they are featured; case does not matter

    Returns
    -------
    list of dict
        credits in their order; what stood before the next one is kept as the join phrase
    """
    featured = {sign.casefold() for sign in featured_after}
    signs = sorted({*split, *featured_after}, key=len, reverse=True)
    if not signs:
        return [{"name": text, "role": role}]
    parts = re.split(f"({'|'.join(map(re.escape, signs))})", text, flags=re.IGNORECASE)
    artists: list[dict[str, Any]] = []
    now = role
    for name, sign in zip(parts[0::2], [*parts[1::2], ""], strict=True):
        if name.strip():
            artists.append({"name": name.strip(), "role": now})
        if artists and sign:
            artists[-1]["join_phrase"] = sign
        if sign.casefold() in featured:
            now = "featured"
    if artists:
        artists[-1].pop("join_phrase", None)  # nobody follows
    return artists
