"""Every path of the sample messages is in the table, and the table says what is true."""

import io
from collections import defaultdict
from collections.abc import Iterator
from xml.etree.ElementTree import Element, tostring

import pytest
from defusedxml.ElementTree import fromstring

from streams.core.ddex.nodes import paths_of
from streams.core.ddex.paths import packaged_paths
from streams.edges.ddex_xml import read_parts
from streams.errors import UnreadableInput
from tests.unit.ddex.reading import Read, as_video, example, read, with_addresses, without_editions

SAMPLES = {name: with_addresses(example(name)) for name in ("album", "video", "oddities", "purge")}
FORMS = {
    **SAMPLES,
    "album of videos": as_video(SAMPLES["album"]),
    "album without editions": without_editions(SAMPLES["album"]),
    "videos without editions": without_editions(as_video(SAMPLES["album"])),
    "video without editions": without_editions(SAMPLES["video"]),
    "oddities of videos": as_video(SAMPLES["oddities"]),
    "test album": SAMPLES["album"].replace(b"LiveMessage", b"TestMessage"),
    "test purge": SAMPLES["purge"].replace(b"LiveMessage", b"TestMessage"),
    "purge by name": SAMPLES["purge"].replace(b"<PartyId>PADPIDA0000000001O</PartyId>", b""),
}


def _paths(message: bytes) -> set[str]:
    found: set[str] = set()
    for above, part in read_parts(io.BytesIO(message)):
        paths = paths_of(part, below=above) if above else (f"{part.name}/@{name}" for name in part.attributes)
        found.update(path for path in paths if "{urn:example:own}" not in path)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_path_of_the_samples_is_in_the_table(form: str) -> None:
    table = packaged_paths()
    assert sorted(path for path in _paths(FORMS[form]) if not table.knows(path)) == []


def test_every_mapped_path_is_in_a_sample() -> None:
    """What no message shows cannot be proven; those that stand beside a proven one are named here."""
    shown = set().union(*(_paths(message) for message in FORMS.values()))
    assert sorted(set(packaged_paths().mapped) - shown) == []


def test_every_dropped_path_has_a_reason_and_none_is_mapped_too() -> None:
    table = packaged_paths()
    assert all(len(reason) > 10 for reason in table.dropped.values())
    assert set(table.dropped) & set(table.mapped) == set()


def _without_each(message: bytes) -> Iterator[tuple[str, Element]]:
    """Give the message without each of its leaves and attributes, and the path of what is missing."""
    root = fromstring(message)
    parents: dict[Element, Element] = {child: parent for parent in root.iter() for child in parent}

    def path_of(element: Element) -> str:
        names: list[str] = []
        now = element
        while True:
            name = now.tag.rpartition("}")[2]
            if not (names and names[-1] == name == "ResourceGroup"):
                names.append(name)
            if now not in parents:
                return "/".join(reversed(names))
            now = parents[now]

    for element in list(root.iter()):
        path = path_of(element)
        for name in list(element.attrib):
            value = element.attrib.pop(name)
            yield f"{path}/@{name.rpartition('}')[2]}", root
            element.attrib[name] = value
        if element in parents and not len(element):
            parent = parents[element]
            place = list(parent).index(element)
            parent.remove(element)
            yield path, root
            parent.insert(place, element)


def _read(message: bytes) -> Read | str:
    try:
        return read(message)
    except UnreadableInput as exc:
        return str(exc)


def test_the_table_says_what_is_read_and_what_is_not() -> None:
    """Without a dropped path the uploads stay as they are; without a mapped one, they differ somewhere."""
    table = packaged_paths()
    differs: dict[str, bool] = defaultdict(bool)
    for form, message in FORMS.items():
        whole = _read(message)
        seen: set[str] = set()
        for path, rest in _without_each(message):
            dropped = table.why_dropped(path) is not None
            # One place of a sample is enough for what changes nothing, one at all for what changes something.
            if not table.knows(path) or differs[path] or (dropped and (path in seen or form not in SAMPLES)):
                continue
            seen.add(path)
            left = _read(tostring(rest))
            same = (
                left.uploads == whole.uploads
                if isinstance(left, Read) and isinstance(whole, Read)
                else left == whole
            )
            if dropped:
                assert same, path
            else:
                differs[path] |= not same
    unproven = {path for path, differed in differs.items() if not differed and path in table.mapped}
    assert sorted(unproven) == []
