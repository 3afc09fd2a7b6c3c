"""Makes the table of how Japanese names in Han are read: `python -m benchmarks.name_readings UNIHAN NAMES`.

UNIHAN is `Unihan_Readings.txt` of the Unicode Character Database (in Debian's package unicode-data,
compressed), NAMES the folder `dataset` of the package japanese-personal-name-dataset. From the first come the
readings of characters; from names whose reading is known those that characters have in names alone: where
all characters of a name but one are read, what is left is that one's reading. Three names must say so, and a
hundredth of those in which the character stands.
"""

import bz2
import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from streams.core.names import readings
from streams.core.names.readings import LONGEST, TABLE, spelt, voiced

_FEWEST = 3
_LEAST_SHARE = 0.01
_LONGEST_READING = 7
_SYLLABLES = re.compile(r"(?:(?:[kgsztdnhfbpmyrwj]|sh|ch|ts|[kgnhbpmr]y)?[aiueo]|n(?![aiueoy]))+")
_INFLECTED = re.compile(r"(?:shii|eru|aru|yaka|i|ru|u|ku|su|tsu|mu|shi|ka)$")
_SHORTENED = re.compile(r"(?:tsu|chi|ku|ki)$")
_HAN = re.compile(r"[\u3400-\u9fff々]+")
_COMMON = range(16, 48)  # rows of JIS X 0208 with the characters that all know
_SOURCES = """\
# How characters are read in Japanese names, in one spelling (streams/core/names/readings.py); names that are
# read as a whole have a line of their own. Made by `python -m benchmarks.name_readings` from two sources,
# changed: Unihan_Readings.txt of the Unicode Character Database, and japanese-personal-name-dataset.
"""
Names = list[tuple[str, str]]


def main(unihan: Path, names: Path) -> None:
    """Write the table."""
    of_characters = _unihan(unihan)
    known = list(_names(names))
    written = Counter(sign for name, _, _ in known for sign in set(name))
    table: dict[str, set[str]] = {
        sign: read for sign, read in of_characters.items() if sign in written or _is_common(sign)
    }
    pairs = [(name, latin) for name, latin, _ in known]
    for _ in range(3):
        for sign, found in _learned(pairs, table).items():
            table.setdefault(sign, set()).update(
                latin for latin, count in found.items() if count >= max(_FEWEST, _LEAST_SHARE * written[sign])
            )
    for name, latin, family in known:
        if family and 1 < len(name) <= LONGEST and not any(True for _ in _unread(name, latin, table)):
            table.setdefault(name, set()).add(latin)
    notices = "".join(f"# {line}".rstrip() + "\n" for line in _notices(unihan, names))
    rows = (f"{name} {' '.join(sorted(read))}\n" for name, read in sorted(table.items()) if read)
    path = Path(readings.__file__).with_name(TABLE)
    path.write_text(_SOURCES + notices + "".join(rows), encoding="utf-8")
    sys.stdout.write(f"{path}: {len(table)} lines\n")


def _notices(unihan: Path, names: Path) -> list[str]:
    """Give what both licences ask to be kept."""
    package = next(names.parent.parent.glob("japanese_personal_name_dataset-*/licenses/LICENSE"))
    return ["", *_UNICODE.splitlines(), "", *package.read_text(encoding="utf-8").splitlines(), ""]


def _is_common(sign: str) -> bool:
    try:
        row = sign.encode("euc_jp")[0] - 0xA0
    except UnicodeEncodeError:
        return False
    return row in _COMMON


def _unihan(path: Path) -> dict[str, set[str]]:
    text = bz2.decompress(path.read_bytes()) if path.suffix == ".bz2" else path.read_bytes()
    found: dict[str, set[str]] = defaultdict(set)
    for line in text.decode("utf-8").splitlines():
        if "\tkJapaneseOn\t" in line or "\tkJapaneseKun\t" in line:
            code, kind, read = line.split("\t")
            sign = chr(int(code.removeprefix("U+"), 16))
            for each in read.lower().split():
                found[sign] |= {spelt(form) for form in _forms(each, kind)} - {""}
    return found


def _forms(read: str, kind: str) -> Iterator[str]:
    """Give a reading, and how it is shortened: before another character, or without its ending."""
    yield read
    if kind == "kJapaneseOn":
        yield _SHORTENED.sub("", read)
    else:
        stem = _INFLECTED.sub("", read)
        if len(stem) > 1:
            yield stem
        if read.endswith("u"):
            yield re.sub("tsu$|u$", lambda end: "chi" if end[0] == "tsu" else "i", read)


def _names(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Give names, how they are read, and whether it is a family name."""
    with (folder / "last_name_org.csv").open(encoding="utf-8") as rows:
        for name, _, _, latin in csv.reader(rows):
            if _HAN.fullmatch(name):
                yield re.sub("(.)々", r"\1\1", name), spelt(latin), True
    for file in ("first_name_man_org.csv", "first_name_woman_org.csv"):
        with (folder / file).open(encoding="utf-8") as rows:
            for _, latin, *written in csv.reader(rows):
                for name in written:
                    if _HAN.fullmatch(name):
                        yield re.sub("(.)々", r"\1\1", name), spelt(latin), False


def _learned(names: Names, table: dict[str, set[str]]) -> dict[str, Counter[str]]:
    """Count what is left for a character where all others of a name are read."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, latin in names:
        ways = {way for way in _unread(name, latin, table)}
        if len(ways) == 1 and (way := ways.pop()) is not None:
            # A name of one character says all of it, and it is as names are read.
            found[way[0]][way[1]] += 1 if len(name) > 1 else len(names)
    return found


def _unread(
    name: str, latin: str, table: dict[str, set[str]], *, free: bool = True, first: bool = True
) -> Iterable[tuple[str, str] | None]:
    """Give the ways to read a name: the one character that is not known, and what is left for it.

    None stands for a way in which all are known.
    """
    if not name:
        if not latin:
            yield None
        return
    sign, known = name[0], table.get(name[0], set())
    if not first:
        known = known | {form for reading in known for form in voiced(reading)}
    for reading in known:
        if latin.startswith(reading):
            yield from _unread(name[1:], latin[len(reading) :], table, free=free, first=False)
    if free:
        for end in range(1, min(_LONGEST_READING, len(latin)) + 1):
            left = latin[:end]
            if left not in known and _SYLLABLES.fullmatch(left):
                for way in _unread(name[1:], latin[end:], table, free=False, first=False):
                    if way is None:
                        yield sign, left


_UNICODE = """\
UNICODE LICENSE V3
Copyright © 1991-2022 Unicode, Inc.
Permission is hereby granted, free of charge, to any person obtaining a copy of data files and any
associated documentation (the "Data Files") or software and any associated documentation (the
"Software") to deal in the Data Files or Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, and/or sell copies of the Data Files or
Software, and to permit persons to whom the Data Files or Software are furnished to do so, provided that
either (a) this copyright and permission notice appear with all copies of the Data Files or Software, or
(b) this copyright and permission notice appear in associated Documentation.
THE DATA FILES AND SOFTWARE ARE PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT OF THIRD PARTY RIGHTS. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR HOLDERS INCLUDED IN
THIS NOTICE BE LIABLE FOR ANY CLAIM, OR ANY SPECIAL INDIRECT OR CONSEQUENTIAL DAMAGES, OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR
OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THE DATA FILES OR
SOFTWARE.
Except as contained in this notice, the name of a copyright holder shall not be used in advertising or
otherwise to promote the sale, use or other dealings in these Data Files or Software without prior
written authorization of the copyright holder.
"""

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
