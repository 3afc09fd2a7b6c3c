"""A catalogue that grows from 1,000 to 100,000 entities: who is taken for whom, and what an upload costs.

The code of `samesong resolve`, batch by batch, from JSON lines to decisions. A fifth of the invented uploads
tell a recording that came before, as another source would; artists are as many from the start as at the end,
so that strangers by one artist become more as the catalogue does. Of each stretch of the growth: how many
automatic matches were right, how many repeats were found, how many candidates were compared, and processor
time per upload. The size that the bundle states follows the catalogue, as it does in the service.

At 20,000 and 100,000 entities two more stretches say how fast `resolve` is (`resolve_speed.json`). Each of
their uploads is one of three kinds:

* ``exact_key``: a recording of the catalogue, told by another source under its ISRC, title and artist;
* ``new``: a recording that the catalogue does not hold;
* ``fuzzy``: a recording of the catalogue without any identifier and with a typing error in its title, half of
  them with the artist in the title or in capitals too; its length is off by up to two seconds.

Time is that of the process, all its threads included: other work shares the machine.
"""

import argparse
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
import psutil
from msgspec.structs import replace

from benchmarks.growth_picture import main as draw
from benchmarks.invented_uploads import invented_recordings
from benchmarks.machine import machine_facts, write_result
from benchmarks.yardstick import work
from encoders.evaluation.intervals import share_interval
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.records import Decision, Identifiers, Outcome, SourceKind, Upload
from streams.core.upload_json import upload_line
from streams.edges.memory_index import MemoryCandidateIndex
from streams.offline import BATCH, decide_lines
from streams.wiring.offline import offline_parts
from streams.wiring.parts import rules

SIZES: Final = (1_000, 3_000, 10_000, 20_000, 50_000, 100_000)
TIMED: Final = (20_000, 100_000)
MIXED: Final = 8 * BATCH
COPIES: Final = 0.2
_DEARER: Final = 1.4
MIXES: Final[Mapping[str, Mapping[str, float]]] = {
    "stated_mix": {"exact_key": 0.4, "new": 0.4, "fuzzy": 0.2},
    "all_fuzzy": {"fuzzy": 1.0},
}

Told = tuple[int, Upload]
"""An upload after the number of the recording that it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some uploads in a row: whole batches, so that what they cost is theirs alone."""

    name: str
    entities: int  # of the catalogue, at the end of the growth that this belongs to
    uploads: Sequence[Told]


def as_exact_key(upload: Upload, number: int) -> Upload:
    """Tell a recording as another source does that knows its identifier."""
    return replace(
        upload,
        source="aggregator-b",
        item_id=f"exact-{number}",
        source_kind=SourceKind.aggregator,
        releases=(),
    )


def as_fuzzy(upload: Upload, number: int, rng: random.Random) -> Upload:
    """Tell a recording as people do."""
    title = upload.title or ""
    at = rng.randrange(2, max(3, len(title) - 2))
    title = title[:at] + title[at + 1 :]
    match rng.randrange(4):
        case 0:
            title = f"{upload.artists[0].name} - {title}"
        case 1:
            title = title.upper()
        case _:
            pass
    return replace(
        upload,
        source="people-c",
        item_id=f"fuzzy-{number}",
        source_kind=SourceKind.user_upload,
        title=title,
        releases=(),
        identifiers=Identifiers(),
        duration_ms=(upload.duration_ms or 0) + rng.randint(-2_000, 2_000),
    )


class Plan:
    """All stretches in a row, and the time that each took."""

    def __init__(
        self, sizes: Sequence[int], timed: Sequence[int], *, seed: int = 11, within_s: float = math.inf
    ) -> None:
        self._within_s = within_s
        self._rng = random.Random(seed)  # noqa: S311 - figures must repeat
        ends = [_whole_batches(size / (1 - COPIES)) for size in sizes]
        spare = 2 * MIXED * len(timed)
        told = invented_recordings(ends[-1] + spare, copies=COPIES)
        self._unheard = _without_copies(spare, first=10**9)
        self._known: list[Told] = []
        self._numbers = iter(range(10**9))
        self.stretches: list[Stretch] = []
        self.seconds: list[float] = []
        self.yardsticks: list[float] = []
        for size, first, end in zip(sizes, [0, *ends], ends, strict=False):
            grown = list(islice(told, end - first))
            self._known += [each for each in grown if each[1].source == "label-a"]
            self.stretches.append(Stretch(name="growth", entities=size, uploads=grown))
            if size in timed:
                self.stretches += [self._mixed(name, size) for name in MIXES]

    def lines(self) -> Iterator[bytes]:
        """Give all lines; the next batch is asked for when the last was decided on."""
        began_at, each_s = time.monotonic(), 0.0
        for stretch in self.stretches:
            begun = time.monotonic()
            # The larger the catalogue the more an upload costs, by no more than this from size to size.
            if begun - began_at + _DEARER * each_s * len(stretch.uploads) > self._within_s:
                print(f"{stretch.name} {stretch.entities}: no time left", flush=True)
                return
            lines = [upload_line(upload) for _, upload in stretch.uploads]
            self.yardsticks.append(_yardstick_ms())
            began = time.process_time()
            yield from lines
            self.seconds.append(time.process_time() - began)
            each_s = (time.monotonic() - begun) / len(lines)
            print(f"{stretch.name} {stretch.entities}: {self.seconds[-1]:.1f} s", flush=True)

    def _mixed(self, name: str, size: int) -> Stretch:
        mix = MIXES[name]
        kinds = self._rng.choices(list(mix), weights=list(mix.values()), k=MIXED)
        return Stretch(name=name, entities=size, uploads=[self._told(kind) for kind in kinds])

    def _told(self, kind: str) -> Told:
        if kind == "new":
            return next(self._unheard)
        at, (song, upload) = next(self._numbers), self._rng.choice(self._known)
        if kind == "fuzzy":
            return song, as_fuzzy(upload, at, self._rng)
        while not upload.identifiers.isrc:
            song, upload = self._rng.choice(self._known)
        return song, as_exact_key(upload, at)


def _yardstick_ms() -> float:
    """Time the yardstick's work in this process's own time: what others take from it does not count."""
    took = []
    for _ in range(5):
        began = time.process_time()
        work()
        took.append(1000 * (time.process_time() - began))
    return min(took)


def _whole_batches(count: float) -> int:
    return BATCH * round(count / BATCH)


def _without_copies(count: int, *, first: int) -> Iterator[Told]:
    """Invent recordings that the catalogue does not hold."""
    for song, upload in invented_recordings(count, seed=8, copies=0.0):
        yield first + song, replace(upload, item_id=f"unheard-{song}")


def quality(stretch: Stretch, decisions: Sequence[Decision], tells: Mapping[str, int]) -> dict[str, Any]:
    """Say how many automatic matches of a stretch were right, and who was found.

    Parameters
    ----------
    tells : mapping of str to int
        the recording that each upload decided so far tells, by its key
    """
    matched = right = repeated = found = 0
    for (song, upload), decision in zip(stretch.uploads, decisions, strict=True):
        is_match = decision.outcome is Outcome.match
        is_right = is_match and _deciding(decision, tells) == song
        matched, right = matched + is_match, right + is_right
        # Copies are told of recordings that came before.
        is_copy = upload.source != "label-a"
        repeated, found = repeated + is_copy, found + (is_copy and is_right)
    candidates = [len(each.candidates) for each in decisions]
    precision, coverage = share_interval(right, matched), share_interval(found, repeated)
    return {
        "automatic_matches": matched,
        "automatic_match_precision": round(right / max(1, matched), 5),
        "precision_95": [round(precision.low, 5), round(precision.high, 5)],
        "coverage": round(found / max(1, repeated), 4),
        "coverage_95": [round(coverage.low, 4), round(coverage.high, 4)],
        "review_share": round(sum(each.outcome is Outcome.review for each in decisions) / len(decisions), 4),
        "candidates_p50": float(np.percentile(candidates, 50)),
        "candidates_p95": float(np.percentile(candidates, 95)),
        "decisions": dict(Counter(each.outcome.value for each in decisions)),
        "bundle_at_end": decisions[-1].bundle_version,
    }


def _deciding(decision: Decision, tells: Mapping[str, int]) -> int | None:
    """Give the recording that the deciding upload tells."""
    source, item = decision.deciding_source or "", decision.deciding_item_id or ""
    return tells.get(f"{len(source)}:{source}{item}")


def measure(sizes: Sequence[int], timed: Sequence[int], *, within_s: float) -> list[dict[str, Any]]:
    """Grow a catalogue; give the figures of each stretch that there was time for."""
    plan = Plan(sizes, timed, within_s=within_s)
    with offline_parts(Settings()) as parts:
        decisions, _ = decide_lines(
            plan.lines(),
            parts,
            index=MemoryCandidateIndex(),
            rules=rules(Bundle.packaged(), parts.confirm),
        )
    tells = {upload.key.text(): song for each in plan.stretches for song, upload in each.uploads}
    waiting = iter(decisions)
    measured = []
    for stretch, seconds, yard in zip(plan.stretches, plan.seconds, plan.yardsticks, strict=False):
        said = list(islice(waiting, len(stretch.uploads)))
        measured.append(
            {
                "stretch": stretch.name,
                "entities_at_end": stretch.entities,
                "uploads": len(said),
                "cpu_ms_per_upload": round(1000 * seconds / len(said), 3),
                "uploads_per_cpu_s": round(len(said) / seconds, 1),
                "yardstick_cpu_ms": round(yard, 2),
                **quality(stretch, said, tells),
            }
        )
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--up-to", type=int, default=SIZES[-1], help="entities, default %(default)s")
    parser.add_argument("--minutes", type=float, default=7.5, help="what would end later is left out")
    options, _ = parser.parse_known_args()
    sizes = [size for size in SIZES if size <= options.up_to]
    started = machine_facts()
    timed = [size for size in TIMED if size in sizes]
    measured = measure(sizes, timed, within_s=60 * options.minutes)
    growth = [each for each in measured if each["stretch"] == "growth"]
    first, last = growth[0], growth[-1]
    write_result(
        "growth",
        "a catalogue of invented recordings as it grows, one upload after the other, by the packaged bundle, "
        "whose size grows with it: "
        "each entry is the stretch up to that size; a match is right when the deciding upload tells the same "
        "recording",
        {
            "bundle": Bundle.packaged().version,
            "precision_falls_by_points": round(
                100 * (first["automatic_match_precision"] - last["automatic_match_precision"]), 3
            ),
            "stretches": growth,
            "rss_mb": round(psutil.Process().memory_info().rss / 2**20),
        },
        started=started,
    )
    draw()
    if mixed := [each for each in measured if each["stretch"] != "growth"]:
        write_result(
            "resolve_speed",
            f"`samesong resolve` with text vectors on {MIXED} uploads at two sizes of the catalogue, without "
            f"writing its answers; stated mix: {MIXES['stated_mix']}",
            {"stretches": mixed},
            started=started,
        )


if __name__ == "__main__":
    main()
