"""The committed table of paths: what becomes of each, or why it is left out."""

import importlib.resources
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_BRACES = re.compile(r"\{([^{}]+)\}")
_BELOW = "/*"


@dataclass(frozen=True, slots=True)
class PathTable:
    """Paths of messages.

    Attributes
    ----------
    mapped : mapping
        path to the field of an upload that it fills
    dropped : mapping
        path to the reason why it is not read; one that ends in ``/*`` is for everything below
    """

    mapped: Mapping[str, str]
    dropped: Mapping[str, str]

    def knows(self, path: str) -> bool:
        """Say whether the table tells what becomes of a path."""
        return path in self.mapped or self.why_dropped(path) is not None

    def why_dropped(self, path: str) -> str | None:
        """Give the reason why a path is not read; None where it is, or is not known."""
        if path in self.mapped:
            return None
        if path in self.dropped:
            return self.dropped[path]
        above = path
        while "/" in above:
            above = above.rpartition("/")[0]
            if above + _BELOW in self.dropped:
                return self.dropped[above + _BELOW]
        return None


@lru_cache(maxsize=1)
def packaged_paths() -> PathTable:
    """Read the table that is shipped beside this module."""
    table = importlib.resources.files("streams.core.ddex").joinpath("paths.toml")
    raw = tomllib.loads(table.read_text(encoding="utf-8"))
    return PathTable(_expanded(raw["mapped"]), _expanded(raw["dropped"]))


def _expanded(paths: Mapping[str, str]) -> dict[str, str]:
    """Write out ``{a,b}``."""
    found: dict[str, str] = {}
    for path, note in paths.items():
        open_ones = [path]
        while open_ones:
            one = open_ones.pop()
            braces = _BRACES.search(one)
            if braces is None:
                found[one] = note
                continue
            open_ones += [
                one[: braces.start()] + each.strip() + one[braces.end() :] for each in braces[1].split(",")
            ]
    return found
