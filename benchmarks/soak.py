"""Hours in minutes: the whole service under a steady load while its stages are killed at random.

A fixed set of songs is sent, then sent again and again: as they were, or as a revision. So the catalogue
stays as large as it is, and memory or descriptors that grow are a leak. Some stages are killed in the first
half and the others in the second, so that each has died often and lived long. Of every part the longest life
is judged, over its last two thirds: what fills up in its first minutes is no leak, what goes on is. The audit
closes it. Exit status 1 when anything was lost or doubled, or a part is not flat.
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

import psutil
from scipy.stats import theilslopes

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
from streams.supervision import read_status

MINUTES = 30.0
SONGS = 1_000
RATE = 20.0
SAMPLE_S = 5.0
KILL_S = 45.0
LIFE_S = 600.0  # a part that never lived so long is not judged, and the soak not passed
FLAT_MB_PER_HOUR = 30.0  # 5 MB in ten minutes: what a heap may wander
FLAT_DESCRIPTORS = 3.0
DRAIN_S = 180.0
KILLED = (("encode", "arbitrate"), ("index", "audit", "drift"))
"""Who is killed in the first and in the second half."""


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
            if not sample.rss:  # dead, and not waited for yet
                continue
            self._held[name][process.pid, born].append(sample)

    def report(self) -> dict[str, dict[str, Any]]:
        """Give slopes and ranges by part."""
        return {name: of_part(list(lives.values())) for name, lives in sorted(self._held.items())}


def of_part(lives: Sequence[Sequence[Sample]]) -> dict[str, Any]:
    longest = max(lives, key=lambda life: life[-1].age_s)
    lived = longest[-1].age_s
    said: dict[str, Any] = {"lives": len(lives), "longest_life_s": round(lived), "flat": False}
    judged = [each for each in longest if each.age_s >= lived / 3]
    middle, last = (
        [each for each in judged if (each.age_s >= lived * 2 / 3) is late] for late in (False, True)
    )
    if lived < LIFE_S or not middle or not last:
        return said
    # The median of all slopes between two samples: a peak that passes does not tilt it.
    slope = float(theilslopes([each.rss for each in judged], [each.age_s for each in judged])[0])
    slope_mb = slope * 3600 / 2**20
    descriptors = [median(each.descriptors for each in third) for third in (middle, last)]
    return said | {
        "rss_mb_of_thirds": [
            round(median(each.rss for each in third) / 2**20, 1) for third in (middle, last)
        ],
        "rss_slope_mb_per_hour": round(slope_mb, 1),
        "descriptors_of_thirds": descriptors,
        "flat": slope_mb <= FLAT_MB_PER_HOUR and descriptors[1] - descriptors[0] <= FLAT_DESCRIPTORS,
    }


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


def kill_one(settings: Settings, chance: random.Random, among: Sequence[str]) -> str | None:
    """Kill a stage as a crash would."""
    alive = [each for each in read_status(settings.data_dir) if each.alive and each.name in among]
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
                    late = now - began >= 30 * minutes
                    if (victim := kill_one(settings, chance, KILLED[late])) is not None:
                        kills[victim] += 1
                    kill_at = now + KILL_S * (0.5 + chance.random())
            ended = time.monotonic()
            sender.drain()
            drained = time.monotonic() - ended
        finally:
            sender.close()
        report = run_audit(CommittedLog(bootstrap_of(settings), kafka_extra(settings)), codec_for(settings))
    parts = lives.report()
    return {
        "held": (
            len(sender.decided) == sender.sent
            and not sender.twice
            and report.clean
            and all(part["flat"] for part in parts.values())
        ),
        "minutes": round((ended - began) / 60, 1),
        "uploads": sender.sent,
        "decided": len(sender.decided),
        "decided_twice": sender.twice,
        "seconds_to_decide_the_rest": round(drained, 1),
        "kills": dict(sorted(kills.items())),
        "audit_mismatches": len(report.mismatches),
        "audit_checked": dict(sorted(report.checked.items())),
        "flat_below": {"rss_slope_mb_per_hour": FLAT_MB_PER_HOUR, "descriptors_more": FLAT_DESCRIPTORS},
        "parts": parts,
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
        f"{KILL_S:g} s or so: memory and descriptors over the last two thirds of each part's longest life, "
        "and whether every upload was decided once",
        figures,
        started=started,
    )
    if not figures["held"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
