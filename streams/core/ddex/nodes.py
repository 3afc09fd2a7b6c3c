"""A piece of a message: names, texts and attributes, whatever parsed them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

REPEATS = "ResourceGroup"
"""The one element that stands within itself; its path is written once however deep it is."""


@dataclass(frozen=True, slots=True)
class Node:
    """An element.

    Attributes
    ----------
    name : str
        without namespace
    text : str
        without space at both ends
    attributes : mapping
        names without namespace
    children : tuple of Node
    """

    name: str
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple["Node", ...] = ()

    def all(self, *path: str) -> Iterator["Node"]:
        """Give every element at a path below this one, in the order of the message."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def first(self, *path: str) -> "Node | None":
        """Give the first element at a path."""
        return next(self.all(*path), None)

    def said(self, *path: str) -> str | None:
        """Give the first text at a path that says something."""
        return next((node.text for node in self.all(*path) if node.text), None)

    def says(self, *path: str) -> bool | None:
        """Read the first flag at a path; None where there is none."""
        return {"true": True, "1": True, "false": False, "0": False}.get(self.said(*path) or "")


def paths_of(node: Node, *, below: str) -> Iterator[str]:
    """Give the path of every element without children and of every attribute, this one included.

    Parameters
    ----------
    node : Node
    below : str
        path of what holds the node
    """
    own = below if node.name == REPEATS and below.endswith(f"/{REPEATS}") else f"{below}/{node.name}"
    for name in node.attributes:
        yield f"{own}/@{name}"
    if not node.children:
        yield own
    for child in node.children:
        yield from paths_of(child, below=own)
