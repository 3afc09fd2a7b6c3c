"""Hours in minutes: the whole service under a steady load while its stages are killed at random.

A fixed set of songs is sent, then sent again and again: as they were, or as a revision. So the catalogue
stays as large as it is, and memory or descriptors that grow are a leak. Slopes are straight lines through the
samples of one life of a process, from when it has warmed up to its end; the audit closes it.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from benchmarks.pipeline import DECIDED, UPLOADS
from benchmarks.running_service import running_service
from streams.config import Settings, load_settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.records import Origin, Upload
from streams.edges.committed_log import CommittedLog
from streams.edges.kafka_producer import Publisher
from streams.edges.log_follower import LogFollower
from streams.errors import ResolverError
from streams.stages.audit import run_audit
from streams.supervisor import read_status

MINUTES = 30.0
SONGS = 1_000
RATE = 20.0
SAMPLE_S = 5.0
KILL_S = 45.0
WARM_S = 60.0
LIFE_S = 60.0  # a life shorter than this beyond its warming up says nothing about a slope
DRAIN_S = 180.0
KILLED = ("encode", "index", "arbitrate", "audit", "drift")


class Undecided(ResolverError):
    """Uploads stay without a decision."""

    code = "bench_undecided"


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment."""

    age_s: float
    rss: int
    descriptors: int


class Lives:
    """Samples of every process of the service, by part and by life."""

    def __init__(self, data_dir: Path, up: int) -> None:
        self._data_dir = data_dir
        self._up = up
        self._held: dict[str, dict[tuple[int, float], list[Sample]]] = defaultdict(lambda: defaultdict(list))

    def sample(self) -> None:
        """Look at every process once."""
        stages = {each.pid: each.name for each in read_status(self._data_dir) if each.pid is not None}
        try:
            up = psutil.Process(self._up)
            below = [up, *up.children(recursive=True)]
        except psutil.Error:
            return
        for process in below:
            try:
                name = "broker" if process.name() == "java" else stages.get(process.pid)
                name = "supervisor" if process.pid == self._up else name
                if name is None:
                    continue
                born = process.create_time()
                sample = Sample(time.time() - born, process.memory_info().rss, process.num_fds())
            except psutil.Error:
                continue
            self._held[name][process.pid, born].append(sample)

    def report(self) -> dict[str, dict[str, Any]]:
        """Give slopes and ranges by part."""
        return {name: _of_part(list(lives.values())) for name, lives in sorted(self._held.items())}


def _of_part(lives: Sequence[Sequence[Sample]]) -> dict[str, Any]:
    warm = [[each for each in life if each.age_s >= WARM_S] for life in lives]
    long = [life for life in warm if len(life) > 2 and life[-1].age_s - life[0].age_s >= LIFE_S]
    said: dict[str, Any] = {"lives": len(lives), "lives_judged": len(long)}
    if long:
        longest = max(long, key=len)
        said |= {
            "longest_life_s": round(longest[-1].age_s),
            "rss_mb_first_and_last_of_longest": [round(longest[at].rss / 2**20, 1) for at in (0, -1)],
            "rss_slope_mb_per_hour_of_longest": round(_slope(longest, "rss") * 3600 / 2**20, 1),
            "rss_slope_mb_per_hour_median": round(
                median(_slope(life, "rss") for life in long) * 3600 / 2**20, 1
            ),
            "descriptors_first_and_last_of_longest": [longest[at].descriptors for at in (0, -1)],
            "descriptors_most": max(each.descriptors for life in warm for each in life),
            "descriptors_slope_per_hour_of_longest": round(_slope(longest, "descriptors") * 3600, 1),
        }
    return said


def _slope(life: Sequence[Sample], what: str) -> float:
    """Fit a line: units per second."""
    ages = np.array([each.age_s for each in life])
    values = np.array([getattr(each, what) for each in life], dtype=np.float64)
    return float(np.polyfit(ages, values, 1)[0])


def again_and_again(songs: Sequence[Upload], chance: random.Random) -> Iterator[Upload]:
    """Send each song once, then any of them as it was or as a revision, for ever."""
    held = list(songs)
    yield from held
    while True:
        at = chance.randrange(len(held))
        if chance.random() < 0.5:
            revision = (held[at].revision or 1) + 1
            held[at] = replace(held[at], revision=revision)
        yield held[at]


class Sender:
    """Sends at a rate and counts what is decided."""

    def __init__(self, settings: Settings) -> None:
        bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
        self._codec = codec_for(settings)
        self._publisher = Publisher(bootstrap, extra)
        self._follower = LogFollower(bootstrap, extra, DECIDED)
        self.sent = 0
        self.decided: set[Origin] = set()
        self.twice = 0

    def send(self, upload: Upload) -> None:
        """Publish one."""
        self._publisher.publish(
            UPLOADS, key=upload.key.text().encode(), value=self._codec.encode(UPLOADS, upload)
        )
        self.sent += 1

    def look(self) -> None:
        """Take in what was decided."""
        self._publisher.poll()
        for message in self._follower.poll(0.01):
            origin = self._codec.decode(DECIDED, message.value or b"").origin
            self.twice += origin in self.decided
            self.decided.add(origin)

    def drain(self) -> None:
        """Wait until everything is decided.

        Raises
        ------
        Undecided
        """
        self._publisher.flush()
        deadline = time.monotonic() + DRAIN_S
        while len(self.decided) < self.sent:
            self.look()
            if time.monotonic() > deadline:
                raise Undecided(f"{self.sent - len(self.decided)} of {self.sent} uploads stay undecided")

    def close(self) -> None:
        """Let go of the connections."""
        self._follower.close()


def kill_one(settings: Settings, chance: random.Random) -> str | None:
    """Kill a stage as a crash would."""
    alive = [each for each in read_status(settings.data_dir) if each.alive and each.name in KILLED]
    if not alive:
        return None
    victim = chance.choice(alive)
    if victim.pid is not None:
        os.kill(victim.pid, signal.SIGKILL)
    return victim.name


def soak(settings: Settings, minutes: float) -> dict[str, Any]:
    chance = random.Random("soak")  # noqa: S311 - a seed, no secret
    kills: dict[str, int] = defaultdict(int)
    with running_service(settings) as watch:
        lives = Lives(settings.data_dir, watch.pid)
        sender = Sender(settings)
        uploads = again_and_again(list(invented_uploads(SONGS)), chance)
        try:
            began = sample_at = time.monotonic()
            kill_at = began + KILL_S
            while (now := time.monotonic()) < began + 60 * minutes:
                for _ in range(int((now - began) * RATE) - sender.sent):
                    sender.send(next(uploads))
                sender.look()
                if now >= sample_at:
                    lives.sample()
                    sample_at = now + SAMPLE_S
                if now >= kill_at:
                    if (victim := kill_one(settings, chance)) is not None:
                        kills[victim] += 1
                    kill_at = now + KILL_S * (0.5 + chance.random())
            ended = time.monotonic()
            sender.drain()
            drained = time.monotonic() - ended
        finally:
            sender.close()
        report = run_audit(CommittedLog(bootstrap_of(settings), kafka_extra(settings)), codec_for(settings))
    return {
        "minutes": round((ended - began) / 60, 1),
        "uploads": sender.sent,
        "decided": len(sender.decided),
        "decided_twice": sender.twice,
        "seconds_to_decide_the_rest": round(drained, 1),
        "kills": dict(sorted(kills.items())),
        "audit_mismatches": len(report.mismatches),
        "audit_checked": dict(sorted(report.checked.items())),
        "parts": lives.report(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    options, _ = parser.parse_known_args()
    started = machine_facts()
    with tempfile.TemporaryDirectory(prefix="samesong-soak-") as folder:
        figures = soak(load_settings(data_dir=Path(folder)), options.minutes)
    write_result(
        "soak",
        f"`samesong up` at {RATE:g} uploads/s of {SONGS} songs again and again, a stage killed every "
        f"{KILL_S:g} s or so: slopes of memory and descriptors, and whether every upload was decided once",
        figures,
        started=started,
    )


if __name__ == "__main__":
    main()
