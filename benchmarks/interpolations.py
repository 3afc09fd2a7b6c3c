"""Interpolations: how many phrases that are played anew elsewhere are found, and what is taken for one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
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


class Heard(NamedTuple):
    """A work as the catalogue has it, and the tracks that quote it: their lengths, truth and landmarks."""

    work: str
    points: Landmarks
    quoting: list[tuple[float, Quotation, Landmarks]]


class Asked(NamedTuple):
    """A track beside one work: what is true, none of a work that it does not quote, and what was found."""

    length_s: float
    truth: Quotation | None
    found: QuotedMelody
    cpu_s: float


@cache
def _players() -> list[Player]:
    return [Player(font) for font in soundfonts()]


def _heard(task: tuple[int, Work, Work | None]) -> Heard:
    """Play a work, and phrases of it over another one."""
    number, work, host = task
    rng = np.random.default_rng([0x1A7E, number])
    players = _players()
    own, under, over = (players[(number + turn) % len(players)] for turn in range(3))
    points = landmarks(played(work, rng, own), SAMPLE_RATE)
    quoting = []
    for length in LENGTHS_S if host is not None else ():
        phrase = next(phrases(work, length, rng), None)
        if phrase is None or host is None:
            continue
        for each in quotations(phrase, host, rng, host_player=under, player=over):
            quoting.append((length, each._replace(y=np.empty(0, np.float32)), landmarks(each.y, SAMPLE_RATE)))
    return Heard(work.name, points, quoting)


def _asked(task: tuple[float, Quotation | None, Landmarks, Landmarks]) -> Asked:
    length, truth, work, track = task
    started = process_time()
    found = quoted_melody(melody_side(work), melody_side(track))
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


def asked_of(heard: Sequence[Heard], hosts: dict[str, str], seed: int) -> list[Asked]:
    """Compare each track with what it quotes, and as loud tracks with drawn works that it does not quote."""
    rng = np.random.default_rng([0xA5, seed])
    tasks: list[tuple[float, Quotation | None, Landmarks, Landmarks]] = []
    for own in heard:
        strangers = [each for each in heard if each.work not in (own.work, hosts.get(own.work))]
        for length, truth, track in own.quoting:
            tasks.append((length, truth, own.points, track))
            if truth.level_db == 0.0:
                drawn = rng.choice(len(strangers), size=min(_OTHERS, len(strangers)), replace=False)
                tasks += [(length, None, strangers[at].points, track) for at in drawn]
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(_asked, tasks, chunksize=4))


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


def made() -> dict[str, Any]:
    """Choose the score on every other work, and count on the rest."""
    works, songs = kept_works(_WORKS), common_songs(_SONGS)
    halves = []
    for half in range(2):
        pairs = paired(works[half::2])
        tasks: list[tuple[int, Work, Work | None]] = [
            (2 * at + half, work, host) for at, (work, host) in enumerate(pairs)
        ]
        tasks += [(10_000 + 2 * at + half, song, None) for at, song in enumerate(songs[half::2])]
        with ProcessPoolExecutor(PROCESSES) as pool:
            heard = list(pool.map(_heard, tasks))
        halves.append(asked_of(heard, {work.name: host.name for work, host in pairs}, half))
    limit = limit_of(halves[0], _PRECISION)
    highest = max(each.found.score for each in halves[0] if each.truth is None)
    return {
        "works": len(works),
        "common songs and scales": len(songs),
        "soundfonts": [font.name for font in soundfonts()],
        "least score at precision 0.95, first half": round(limit, 2),
        "best wrong, first half": round(highest, 2),
        "first half, at that score": figures_of(halves[0], limit),
        "second half, at that score": figures_of(halves[1], limit),
        "second half, above the best wrong of the first": figures_of(halves[1], highest + 1e-6),
    }


def _points(y: NDArray[np.float32]) -> Landmarks:
    return landmarks(y, SR)


def _beside(tasks: Iterable[tuple[Landmarks, Landmarks]]) -> list[float]:
    with ProcessPoolExecutor(PROCESSES) as pool:
        return [
            each.found.score
            for each in pool.map(_asked, [(0.0, None, one, two) for one, two in tasks], chunksize=4)
        ]


def real_music() -> dict[str, Any]:
    """Say how well real recordings of different sources fit, of which none is known to quote another."""
    tracks = [(each.source, each.y.astype(np.float32)) for each in decoded_sounds(_SECONDS, _OF_A_SOURCE)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        points = list(pool.map(_points, [y for _, y in tracks]))
    rng = np.random.default_rng(0x4EA1)
    tasks = []
    for at, (source, _) in enumerate(tracks):
        others = [number for number, (other, _) in enumerate(tracks) if other != source]
        drawn = rng.choice(others, size=min(_OTHERS, len(others)), replace=False) if others else ()
        tasks += [(points[at], points[number]) for number in drawn]
    scores = _beside(tasks)
    if not scores:
        return {"tracks": len(tracks)}
    return {
        "tracks": len(tracks),
        "sources": len({source for source, _ in tracks}),
        "pairs": len(scores),
        "percentiles 50 90 99 100": np.percentile(scores, [50, 90, 99, 100]).round(2).tolist(),
    }


def main() -> None:
    started = machine_facts()
    rows: list[Row] = [("made", made), ("real music", real_music)]
    write_rows(
        "interpolations",
        "phrases of works played anew over other works, found by the landmarks that are kept of sounds",
        rows,
        started=started,
    )


if __name__ == "__main__":
    main()
