"""Titles: the one that is displayed by default, what qualifies it, and all others with their language."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from streams.core.ddex.nodes import Node
from streams.core.importing.drafts import said

_LANGUAGE = "LanguageAndScriptCode"
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Titles:
    """What a resource or a release is called.

    Attributes
    ----------
    title, version : str, optional
    others : list of dict
        alternative titles as an upload has them
    """

    title: str | None
    version: str | None
    others: list[dict[str, Any]]


def snake(name: str) -> str:
    """Write a name of the standard as this project writes names."""
    return _CAPITAL.sub("_", name).lower()


def default_of(nodes: Iterable[Node]) -> Node | None:
    """Pick what holds by default: what says so, else what is for the whole world, else the first."""
    found = [node for node in nodes if node.text or node.children]
    ranked = sorted(
        found,
        key=lambda node: (
            node.attributes.get("IsDefault") not in {"true", "1"},
            node.attributes.get("ApplicableTerritoryCode") not in {None, "Worldwide"},
        ),
    )
    return ranked[0] if ranked else None


def read_titles(node: Node, *, language: str | None) -> Titles:
    """Read the titles of a resource or a release.

    Parameters
    ----------
    node : Node
    language : str, optional
        of the message, for texts that name none
    """
    chosen = default_of(node.all("DisplayTitle"))
    if chosen is not None and chosen.said("TitleText"):
        title = chosen.said("TitleText")
        version = "; ".join(sub.text for sub in chosen.all("SubTitle") if sub.text) or None
    else:
        text = default_of(node.all("DisplayTitleText"))
        title, version = text.text if text else None, None
    others = [
        _alternative(other, kind="display", language=language)
        for other in node.all("DisplayTitle")
        if other is not chosen
    ]
    others += [
        _alternative(other, kind=snake(other.attributes.get("TitleType", "additional")), language=language)
        for other in node.all("AdditionalTitle")
    ]
    return Titles(title, version, [other for other in others if "text" in other])


def _alternative(node: Node, *, kind: str, language: str | None) -> dict[str, Any]:
    text = node.said("TitleText")
    if text is None:
        return {}
    subtitles = [sub.text for sub in node.all("SubTitle") if sub.text]
    written = text + "".join(f" ({sub})" for sub in subtitles)
    code, *more = re.split(r"[-_]", node.attributes.get(_LANGUAGE) or language or "")
    script = next((part.title() for part in more if len(part) == 4), None)
    return said(text=written, language=code.lower(), script=script, type=kind)
