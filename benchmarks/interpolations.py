"""Interpolations: how many phrases that are played anew elsewhere are found, and what is taken for one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from time import process_time
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.damaged_queries import SR
from benchmarks.decoded_sounds import decoded_sounds
from benchmarks.intervals import share
from benchmarks.kept_renderings import kept_works
from benchmarks.machine import machine_facts
from benchmarks.melody_quotes import QuotedMelody, melody_side, quoted_melody
from benchmarks.quoted_melodies import (
    LENGTHS_S,
    LEVELS_DB,
    Quotation,
    common_songs,
    paired,
    phrases,
    played,
    quotations,
)
from benchmarks.rows import Row, write_rows
from benchmarks.version_encoders import PROCESSES, soundfonts
from encoders.landmarks import Landmarks, landmarks
from encoders.training.playing import SAMPLE_RATE, Player
from encoders.training.works import Work

_WORKS: Final = int(os.environ.get("SAMESONG_BENCH_WORKS", "30"))
_SONGS: Final = 12
# Others that each track is compared with; the work that it quotes is asked beside them.
_OTHERS: Final = 4
_OF_A_SOURCE: Final = int(os.environ.get("SAMESONG_BENCH_TRACKS", "3"))
_SECONDS: Final = 110.0
_WITHIN_S: Final = 1.0
_RATIO: Final = 0.04
_PRECISION: Final = 0.95


_CANDIDATES: Final = 10
"""That an upload is compared with."""


class Way(NamedTuple):
    """A way to find what is played anew: what it hears of samples at a rate, and how two of those compare."""

    hear: Callable[[NDArray[np.float32], int], Any]
    compare: Callable[[Any, Any], QuotedMelody]


class Heard(NamedTuple):
    """A work as the catalogue has it, and the tracks that quote it: lengths, truth and what is heard."""

    work: str
    side: Any
    quoting: list[tuple[float, Quotation, Any]]


class Asked(NamedTuple):
    """A track beside one work: what is true, none of a work that it does not quote, and what was found."""

    length_s: float
    truth: Quotation | None
    found: QuotedMelody
    cpu_s: float


@cache
def _players() -> list[Player]:
    return [Player(font) for font in soundfonts()]


def _heard(task: tuple[int, Work, Work | None], way: Way) -> Heard:
    """Play a work, and phrases of it over another one."""
    number, work, host = task
    rng = np.random.default_rng([0x1A7E, number])
    players = _players()
    own, under, over = (players[(number + turn) % len(players)] for turn in range(3))
    side = way.hear(played(work, rng, own), SAMPLE_RATE)
    quoting = []
    for length in LENGTHS_S if host is not None else ():
        phrase = next(phrases(work, length, rng), None)
        if phrase is None or host is None:
            continue
        for each in quotations(phrase, host, rng, host_player=under, player=over):
            quoting.append((length, each._replace(y=np.empty(0, np.float32)), way.hear(each.y, SAMPLE_RATE)))
    return Heard(work.name, side, quoting)


def _asked(task: tuple[float, Quotation | None, Any, Any], way: Way) -> Asked:
    length, truth, work, track = task
    started = process_time()
    found = way.compare(work, track)
    return Asked(length, truth, found, process_time() - started)


def placed(found: QuotedMelody, truth: Quotation) -> bool:
    """Say whether what was found lies on the phrase: one moment of both within a second, at its tempo."""
    here = found.start_b_ms / 1_000 - truth.span[0]
    over = min(found.end_b_ms / 1_000, truth.span[1]) - max(found.start_b_ms / 1_000, truth.span[0])
    there = (found.start_a_ms / 1_000 - begin for begin, _ in truth.places)
    near = any(abs(each - here * truth.ratio) <= _WITHIN_S for each in there)
    return near and over > 0.0 and abs(found.ratio / truth.ratio - 1.0) <= _RATIO


def bounded(found: QuotedMelody, truth: Quotation) -> bool:
    """Say whether it begins and ends with the phrase, within a second."""
    ends = found.start_b_ms / 1_000 - truth.span[0], found.end_b_ms / 1_000 - truth.span[1]
    return placed(found, truth) and max(map(abs, ends)) <= _WITHIN_S


def asked_of(heard: Sequence[Heard], hosts: dict[str, str], seed: int, way: Way) -> list[Asked]:
    """Compare each track with what it quotes, and as loud tracks with drawn works that it does not quote."""
    rng = np.random.default_rng([0xA5, seed])
    tasks: list[tuple[float, Quotation | None, Any, Any]] = []
    for own in heard:
        strangers = [each for each in heard if each.work not in (own.work, hosts.get(own.work))]
        for length, truth, track in own.quoting:
            tasks.append((length, truth, own.side, track))
            if truth.level_db == 0.0:
                drawn = rng.choice(len(strangers), size=min(_OTHERS, len(strangers)), replace=False)
                tasks += [(length, None, strangers[at].side, track) for at in drawn]
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(partial(_asked, way=way), tasks, chunksize=4))


def limit_of(asked: Sequence[Asked], precision: float) -> float:
    """Give the least score from which on such a share of what is found is right."""
    scores = sorted({each.found.score for each in asked})
    for least in scores:
        over = [each.truth is not None for each in asked if each.found.score >= least]
        if np.mean(over) >= precision:
            return float(least)
    return float("inf")


def figures_of(asked: Sequence[Asked], limit: float) -> dict[str, Any]:
    """Count what is found from a score on, by length and level."""
    right = [each for each in asked if each.truth is not None]
    wrong = [each.found.score for each in asked if each.truth is None]
    told = [each for each in asked if each.found.score >= limit]
    figures: dict[str, Any] = {
        "tracks": len(right),
        "beside works that they do not quote": len(wrong),
        "wrong, percentiles 50 90 99 100": np.percentile(wrong, [50, 90, 99, 100]).round(2).tolist(),
        "wrong told": sum(score >= limit for score in wrong),
        "precision": share(each.truth is not None for each in told),
        "ms of CPU a pair": round(1e3 * float(np.mean([each.cpu_s for each in asked]))),
    }
    for length in LENGTHS_S:
        for level in LEVELS_DB:
            some = [
                (each.found, each.truth)
                for each in right
                if each.truth is not None and each.length_s == length and each.truth.level_db == level
            ]
            figures[f"{length:g} s at {level:+g} dB"] = {
                "told": share(found.score >= limit for found, _ in some),
                "told, in its place": share(found.score >= limit and placed(found, t) for found, t in some),
                "told, both ends within 1 s": share(
                    found.score >= limit and bounded(found, t) for found, t in some
                ),
                "best fit in its place, whatever its score": share(placed(found, t) for found, t in some),
            }
    return figures


@cache
def _halves(way: Way) -> tuple[list[Asked], list[Asked]]:
    """Ask every other work, and the rest."""
    works, songs = kept_works(_WORKS), common_songs(_SONGS)
    halves = []
    for half in range(2):
        pairs = paired(works[half::2])
        tasks: list[tuple[int, Work, Work | None]] = [
            (2 * at + half, work, host) for at, (work, host) in enumerate(pairs)
        ]
        tasks += [(10_000 + 2 * at + half, song, None) for at, song in enumerate(songs[half::2])]
        with ProcessPoolExecutor(PROCESSES) as pool:
            heard = list(pool.map(partial(_heard, way=way), tasks))
        halves.append(asked_of(heard, {work.name: host.name for work, host in pairs}, half, way))
    return halves[0], halves[1]


def made(way: Way) -> dict[str, Any]:
    """Choose the score on every other work, and count on the rest."""
    first, second = _halves(way)
    limit = limit_of(first, _PRECISION)
    highest = max(each.found.score for each in first if each.truth is None)
    return {
        "works": _WORKS,
        "common songs and scales": _SONGS,
        "soundfonts": [font.name for font in soundfonts()],
        "least score at precision 0.95, first half": round(limit, 2),
        "best wrong, first half": round(highest, 2),
        "first half, at that score": figures_of(first, limit),
        "second half, at that score": figures_of(second, limit),
        "second half, above the best wrong of the first": figures_of(second, highest + 1e-6),
    }


def _real_side(y: NDArray[np.float32], way: Way) -> Any:
    return way.hear(y, SR)


def real_music(way: Way) -> dict[str, Any]:
    """Say how well real recordings of different sources fit, of which none is known to quote another."""
    tracks = [(each.source, each.y.astype(np.float32)) for each in decoded_sounds(_SECONDS, _OF_A_SOURCE)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        sides = list(pool.map(partial(_real_side, way=way), [y for _, y in tracks]))
    rng = np.random.default_rng(0x4EA1)
    tasks: list[tuple[float, Quotation | None, Any, Any]] = []
    for at, (source, _) in enumerate(tracks):
        others = [number for number, (other, _) in enumerate(tracks) if other != source]
        drawn = rng.choice(others, size=min(_OTHERS, len(others)), replace=False) if others else ()
        tasks += [(0.0, None, sides[at], sides[number]) for number in drawn]
    with ProcessPoolExecutor(PROCESSES) as pool:
        asked = list(pool.map(partial(_asked, way=way), tasks, chunksize=4))
    if not asked:
        return {"tracks": len(tracks)}
    scores = np.array([each.found.score for each in asked])
    told = int((scores >= limit_of(_halves(way)[0], _PRECISION)).sum())
    return {
        "tracks": len(tracks),
        "sources": len({source for source, _ in tracks}),
        "pairs": len(asked),
        "percentiles 50 90 99 100": np.percentile(scores, [50, 90, 99, 100]).round(2).tolist(),
        "told, at the score of precision 0.95": told,
        f"told of an upload with {_CANDIDATES} candidates": round(_CANDIDATES * told / len(asked), 3),
    }


def measure(name: str, what: str, way: Way) -> None:
    """Write what one way finds."""
    started = machine_facts()
    rows: list[Row] = [("made", partial(made, way)), ("real music", partial(real_music, way))]
    write_rows(name, f"phrases of works played anew over other works, found by {what}", rows, started=started)


def _by_landmarks(work: Landmarks, track: Landmarks) -> QuotedMelody:
    return quoted_melody(melody_side(work), melody_side(track))


def main() -> None:
    measure("interpolations", "the landmarks that are kept of sounds", Way(landmarks, _by_landmarks))


if __name__ == "__main__":
    main()
