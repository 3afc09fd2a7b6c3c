"""Messages as XML: parsed part by part, within bounds, without document types and entities."""

import re
from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from streams.core.ddex.message import MessageError
from streams.core.ddex.nodes import Node
from streams.errors import UnreadableInput

LARGEST_PART = 4 << 20
"""Bytes of one party, resource or release; that of a release of a thousand tracks has some 300 KB."""
MOST_ELEMENTS = 50_000
"""Elements of one part."""
DEEPEST = 64
_ERN_4 = re.compile(r"https?://ddex\.net/xml/ern/4\d{0,2}")
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


class UnsafeMessage(UnreadableInput):
    """A message declares a document type or entities, or is larger or deeper than any message: not read."""

    code = "unsafe_message"


def read_parts(stream: IO[bytes]) -> Iterator[tuple[str, Node]]:
    """Read a message from its start.

    Parameters
    ----------
    stream : binary stream

    Yields
    ------
    tuple of str and Node
        path of what holds the part, and the part: first the root without its children, then each of its
        children, those of lists (`PartyList`, `ResourceList`, ...) one by one

    Raises
    ------
    MessageError
        no XML, or no message of ERN 4
    UnsafeMessage
    """
    bounded = _Bounded(stream)
    open_elements: list[Element] = []
    namespace, elements = "", 0
    try:
        for event, element in iterparse(bounded, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                if not open_elements:
                    namespace = _namespace_of(element)
                    # Its children may be there already; they come one by one.
                    yield "", Node(_local(element.tag, namespace), attributes=_attributes(element, namespace))
                open_elements.append(element)
                elements += 1
                if len(open_elements) > DEEPEST or elements > MOST_ELEMENTS:
                    raise UnsafeMessage(
                        f"a part deeper than {DEEPEST} or of more than {MOST_ELEMENTS} elements"
                    )
                continue
            open_elements.pop()
            if not _is_part(open_elements, element, namespace):
                continue
            if not _is_list(element, namespace) or len(open_elements) > 1:
                yield "/".join(_local(one.tag, namespace) for one in open_elements), _node(element, namespace)
            # What was read is let go, or the whole message would stay.
            open_elements[-1].remove(element)
            bounded.start_anew()
            elements = 0
    except DefusedXmlException as exc:
        raise UnsafeMessage(f"declares what no message needs, a document type or an entity: {exc}") from exc
    except (ParseError, LookupError, ValueError) as exc:  # also an encoding that nobody knows
        raise MessageError(f"no XML: {exc}") from exc


class _Bounded:
    """A stream that gives at most so many bytes for one part."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, LARGEST_PART

    def read(self, size: int = -1) -> bytes:
        if self._left <= 0:
            raise UnsafeMessage(f"a part of more than {LARGEST_PART >> 20} MB")
        data = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data

    def start_anew(self) -> None:
        self._left = LARGEST_PART


def _namespace_of(root: Element) -> str:
    namespace, closing, _ = root.tag.removeprefix("{").partition("}")
    if not closing or not _ERN_4.fullmatch(namespace):
        found = f"is of {namespace}" if closing else "has no namespace"
        raise MessageError(f"a message of DDEX ERN 4 is expected; this one {found}")
    return namespace


def _is_list(element: Element, namespace: str) -> bool:
    return _local(element.tag, namespace).endswith("List")


def _is_part(open_elements: list[Element], element: Element, namespace: str) -> bool:
    """Say whether an element that ends is a part: a child of the root, or of a list below the root."""
    return len(open_elements) == 1 or (len(open_elements) == 2 and _is_list(open_elements[-1], namespace))


def _local(name: str, namespace: str) -> str:
    """Drop the namespace of the message; another one stays, so that the name is no known one."""
    for known in (namespace, _INSTANCE, "http://www.w3.org/XML/1998/namespace"):
        name = name.removeprefix(f"{{{known}}}")
    return name


def _attributes(element: Element, namespace: str) -> dict[str, str]:
    return {_local(name, namespace): value.strip() for name, value in element.attrib.items()}


def _node(element: Element, namespace: str) -> Node:
    return Node(
        name=_local(element.tag, namespace),
        text=(element.text or "").strip(),
        attributes=_attributes(element, namespace),
        children=tuple(_node(child, namespace) for child in element),
    )
