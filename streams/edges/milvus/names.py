"""Names of collections and keys in Milvus, made from names it would not take.

A collection name holds a readable part, cut and reduced to letters, digits and underscores, and a hash of
the whole name, so that two builds or models never share a collection.
"""

import hashlib
import re

from streams.core.index_rows import Space

LAYOUT = 3  # raised with every change of the columns; 3: one text says of which upload a row is
_READABLE = 40  # of the 255 characters a name may have


def layout_prefix(prefix: str) -> str:
    """Give what all names of this layout start with: a collection of another layout is never read."""
    return f"{prefix}_{LAYOUT}"


def _safe(text: str) -> str:
    """Reduce a name to what Milvus allows, unambiguously."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', text)[:_READABLE].strip('_')}_{digest}"


def meta_name(prefix: str, build: str) -> str:
    """Name the collection that holds a build's watermark."""
    return f"{prefix}_meta_{_safe(build)}"


def is_meta_name(prefix: str, name: str) -> bool:
    """Say whether a collection is some build's meta collection."""
    return name.startswith(f"{prefix}_meta_")


def build_prefix(prefix: str, build: str) -> str:
    """Give what the names of a build's vector collections start with."""
    return f"{prefix}_rows_{_safe(build)}_"


def space_name(prefix: str, build: str, space: Space) -> str:
    """Name the collection of one modality and model in one build."""
    whole = f"{len(space.modality)}:{space.modality}{space.model}"
    return f"{build_prefix(prefix, build)}{_safe(whole)}"


def primary_key(row_id: str) -> str:
    """Give a row's key in the store: the sha256 of its id, of one length and free of quotes."""
    return hashlib.sha256(row_id.encode()).hexdigest()
