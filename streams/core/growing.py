"""Growth: the size of the catalogue that the bundle states is doubled as the catalogue grows.

A score must not depend on when it is computed, so it never looks at the catalogue: it knows the size that the
bundle in force states, and only a record of the arbiter's log changes that. Once the catalogue holds 1.41
times as many entities the arbiter asks for twice the size, as an operator would; from where that lies in its
log the larger size holds, and every pair is scored by it anew. So the size in force is wrong by a factor of
1.41 at most, which is 0.35 in log-odds.
"""

from typing import Final

from streams.core.bundle import Bundle
from streams.core.ids import stable_id
from streams.core.records import Promotion
from streams.errors import SchemaError

CATALOGUE_SIZE: Final = "catalogue_size"
"""The subject of a promotion that raises the size; its version is the number of entities."""
_LARGEST: Final = 10**12
ARBITER: Final = "arbitrate"


def outgrown(bundle: Bundle | None, *, entities: int, asked: int) -> int | None:
    """Say which size a catalogue asks for, if it does.

    Parameters
    ----------
    bundle : Bundle, optional
        in force
    entities : int >= 0
        recordings and videos that the catalogue holds
    asked : int >= 0
        the size that was asked for last; the answer may be on its way

    Returns
    -------
    size : int, optional
        what the bundle states, doubled until it is as near to the catalogue as doubling can bring it
    """
    if bundle is None or not bundle.grows:
        return None
    known = size = max(bundle.catalogue_size, asked)
    while entities**2 >= 2 * size**2:
        size *= 2
    return size if size > known else None


def growth(size: int) -> Promotion:
    """Ask for a size; asked for again it is the same promotion, which is acted on once."""
    return Promotion(
        promotion_id=stable_id(CATALOGUE_SIZE, size), subject=CATALOGUE_SIZE, version=str(size), by=ARBITER
    )


def size_asked(promotion: Promotion) -> int:
    """Read which size is asked for.

    Raises
    ------
    SchemaError
        it is no number of entities
    """
    said = promotion.version
    if not (
        said.isascii() and said.isdigit() and len(said) <= len(str(_LARGEST)) and 0 < int(said) <= _LARGEST
    ):
        raise SchemaError(f"{said!r} is no number of entities from 1 to {_LARGEST}")
    return int(said)
