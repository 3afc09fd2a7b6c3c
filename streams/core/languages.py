"""Tags of languages."""

from typing import Final

NO_LANGUAGE: Final = frozenset({"und", "mis", "mul"})
"""Tags that say no more than nothing: undetermined, one without a code, several."""


def primary(tag: str) -> str:
    """Give the language of a tag, without script and place: ``pt`` of ``pt_BR``."""
    return tag.replace("_", "-").split("-")[0].lower()
