"""The title parser on the clean-up cases of a browser extension: how many are read as it expects.

They say what one player shows, so they are cases and not law. What it strips and this project keeps as a
typed part is compared on the base title, and the typed part must be there. Cases whose expectation
contradicts the rules of this project are listed in ``title_parsing_exclusions.toml``, each with its reason: a
twentieth at most. Without the folder of data sets there is nothing to measure, and that is said.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.labelled_tables import labelled
from benchmarks.machine import machine_facts, write_result
from streams.core.normalize import clean_text, fold_diacritics, normalize_name, normalize_text, split_names
from streams.core.titles import read_title

FOLDER = "title-parsing"
EXCLUSIONS = Path(__file__).with_name("title_parsing_exclusions.toml")
MOST_EXCLUDED = 0.05

_VIDEOS = "youtube_video_titles"
_CHARACTERS = frozenset({"decode-html-entities", "remove-zero-width", "replace-nbsp", "replace-smart-quotes"})
_CREDITS = frozenset(
    {
        "album-artist-from-artist", "fix-various-artists", "normalize-feature", "remove-additional-artists",
        "remove-feature",
    }
)  # fmt: skip
_KEPT = re.compile(r"\s*[(\[【（［]|\s-\s|\s(?:feat|ft)\.")
_TYPED: tuple[tuple[str, str], ...] = (
    # What the extension strips and an upload keeps: the word, and the type that it must have.
    (r"\blive\b|en vivo", "live"),
    (r"parody|adaption", "parody"),
    (r"re-?master", "remaster"),
    (r"rerecorded", "rerecording"),
    (r"\bclean\b", "clean"),
    (r"\bexplicit\b", "explicit"),
    (r"\bmono\b", "mono"),
    (r"\bstereo\b", "stereo"),
    (r"\bcover by\b", "cover"),
)


class Case(NamedTuple):
    """What is given, what the extension makes of it, and the file that says so."""

    file: str
    given: str
    track: str
    artist: str | None = None


class Score(NamedTuple):
    """How many cases were read as expected, which were not, and which were left out."""

    right: dict[str, int]
    wrong: tuple[Case, ...]
    excluded: tuple[Case, ...]

    @property
    def counted(self) -> int:
        """Cases that were not left out."""
        return sum(self.right.values()) + len(self.wrong)

    @property
    def share(self) -> float:
        """Share of right cases among those that were not left out."""
        return sum(self.right.values()) / max(1, self.counted)


def read_cases(folder: Path) -> Iterator[Case]:
    """Read all cases of the data set."""
    for line in (folder / f"{_VIDEOS}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Case(_VIDEOS, row["input"], row["expected"]["track"], row["expected"]["artist"])
    for path in sorted((folder / "metadata-filter").glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            yield Case(path.stem, row["funcParameter"], row["expectedValue"])


def read_exclusions() -> dict[tuple[str, str], str]:
    """Read the reasons of the cases that are left out, by file and given text."""
    listed = tomllib.loads(EXCLUSIONS.read_text(encoding="utf-8"))
    return {(each["file"], each["given"]): each["reason"] for each in listed["case"]}


def _key(text: str) -> str:
    return fold_diacritics(normalize_text(text))


def is_right(case: Case) -> bool:
    """Say whether a case is read as expected."""
    if case.file in _CHARACTERS:
        return clean_text(case.given) == clean_text(case.track)
    if case.file in _CREDITS:
        given, wanted = split_names(case.given), split_names(case.track)
        return given == wanted if case.file == "normalize-feature" else given[:1] == wanted[:1]
    return _title_is_right(case)


def _title_is_right(case: Case) -> bool:
    video = case.file in {_VIDEOS, "youtube"}
    reading = read_title(case.given, video=video)[0]
    wanted = read_title(case.track)[0]
    head = _key(_KEPT.split(case.track, maxsplit=1)[0])
    keeps = head != _key(case.track)
    types = [part.type for part in reading.versions]
    if reading.base != (wanted.base if keeps else head) or not reading.base.startswith(head):
        return False
    if keeps and (Counter(types) < Counter(part.type for part in wanted.versions)):
        return False
    if case.file == "fix-track-suffix" and reading.versions != wanted.versions:
        details = [(part.type, part.detail) for part in reading.versions]
        if not types or details != [(part.type, part.detail) for part in wanted.versions]:
            return False
    if case.file == _VIDEOS and reading.artist != (normalize_name(case.artist) if case.artist else None):
        return False
    gone = case.given.casefold().replace(case.track.casefold(), " ")
    in_title = [word for word in ("live", "clean") if word in head.split()]
    return all(
        name in types or name in in_title
        for pattern, name in _TYPED
        if re.search(pattern, gone) and not re.search(pattern, case.track.casefold())
    )


def score_cases(folder: Path) -> Score:
    """Read every case but those that are left out."""
    excluded = read_exclusions()
    right: Counter[str] = Counter()
    wrong: list[Case] = []
    left_out: list[Case] = []
    for case in read_cases(folder):
        if (case.file, case.given) in excluded:
            left_out.append(case)
        elif is_right(case):
            right[case.file] += 1
        else:
            wrong.append(case)
    return Score(dict(right), tuple(wrong), tuple(left_out))


def main() -> None:
    folder = labelled("title_parsing", FOLDER, about=__doc__)
    if folder is None:
        return
    started = machine_facts()
    score = score_cases(folder)
    for case in score.wrong:
        print(f"wrong: {case.file}: {case.given!r} is not {case.artist!r} {case.track!r}")
    wrong = Counter(case.file for case in score.wrong)
    write_result(
        "title_parsing",
        "cases of titles, credits and characters that are read as their authors expect",
        {
            "cases": score.counted + len(score.excluded),
            "excluded": len(score.excluded),
            "right": sum(score.right.values()),
            "share": round(score.share, 4),
            "by_file": {
                name: f"{score.right.get(name, 0)} of {score.right.get(name, 0) + wrong[name]}"
                for name in sorted({*score.right, *wrong})
            },
        },
        started=started,
    )


if __name__ == "__main__":
    main()
