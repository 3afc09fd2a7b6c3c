"""Metadata-only uploads through a real broker and every stage: rate, freshness, memory, CPU per stage.

20,000 uploads are published at once and the decisions' timestamps give the rate; after ten seconds of rest,
in which the index folds what the flood has left, uploads are published at half that rate, then at 150 a
second; freshness is the time from an upload's timestamp to its decision's, both as they stand in Kafka.
`seen` adds the commit: when a read-committed subscriber had the decision.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.invented_uploads import invented_uploads
from benchmarks.machine import machine_facts, write_result
from benchmarks.running_service import Cost, Watch, running_service
from streams.config import Settings, load_settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.records import Decision, Origin, Upload
from streams.edges.committed_log import read_topic
from streams.edges.kafka_producer import Publisher
from streams.edges.log_follower import LogFollower
from streams.errors import ResolverError
from streams.ports import Message

UPLOADS, DECIDED, HEAD = "catalog.upload.v1", "resolution.decided.v1", "arbiter.head.v1"
HOPS = ("upload.encoded.v1", "arbiter.input.v1", DECIDED)
COUNT = 20_000
WARM = 512
PACED_S = 40.0
REST_S = 10.0
SILENT_S = 120.0
STEADY_RATE = 150.0


class Stalled(ResolverError):
    """Uploads stay undecided."""

    code = "bench_stalled"


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision as a subscriber got it."""

    message: Message
    at_ms: float


class Client:
    """Publishes and follows decisions, as upstream and downstream of the service would."""

    def __init__(self, settings: Settings) -> None:
        self._bootstrap, self._extra = bootstrap_of(settings), kafka_extra(settings)
        self._codec = codec_for(settings)
        self._publisher = Publisher(self._bootstrap, self._extra)
        self._follower = LogFollower(self._bootstrap, self._extra, DECIDED)

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.flush()
        self._follower.close()

    def prepared(self, uploads: Sequence[Upload]) -> list[tuple[bytes, bytes]]:
        """Encode beforehand, so that encoding costs the service nothing."""
        return [(each.key.text().encode(), self._codec.encode(UPLOADS, each)) for each in uploads]

    def run(self, uploads: list[tuple[bytes, bytes]], *, rate: float | None = None) -> list[Seen]:
        """Publish, at once or at so many a second, and follow until all are decided."""
        seen: list[Seen] = []
        sent, began, last = 0, time.monotonic(), time.monotonic()
        while len(seen) < len(uploads):
            due = len(uploads) if rate is None else int((time.monotonic() - began) * rate) + 1
            while sent < min(due, len(uploads)):
                key, value = uploads[sent]
                self._publisher.publish(UPLOADS, key=key, value=value)
                sent += 1
            self._publisher.poll()
            arrived = self._follower.poll(0.005 if sent < len(uploads) and rate else 0.05)
            if arrived:
                last, at = time.monotonic(), 1000 * time.time()
                seen += [Seen(message, at) for message in arrived]
            elif time.monotonic() - last > SILENT_S:
                raise Stalled(f"{len(uploads) - len(seen)} of {len(uploads)} uploads stay undecided")
        return seen

    def decision(self, seen: Seen) -> Decision:
        """Read a decision."""
        decision: Decision = self._codec.decode(DECIDED, seen.message.value or b"")
        return decision

    def times(self, topic: str) -> list[float]:
        """Return the timestamps of a topic's records in s since 1970, sorted."""
        return sorted(m.timestamp_ms / 1000 for m in read_topic(self._bootstrap, self._extra, topic))

    def times_by_key(self, topic: str) -> dict[bytes, int]:
        """Return the timestamp of each item's last record in ms since 1970."""
        return {m.key or b"": m.timestamp_ms for m in read_topic(self._bootstrap, self._extra, topic)}

    def sent_at(self) -> dict[Origin, int]:
        """Return the timestamp of every upload in ms since 1970."""
        return {m.origin: m.timestamp_ms for m in read_topic(self._bootstrap, self._extra, UPLOADS)}


def spent(before: dict[str, Cost], after: dict[str, Cost], *, uploads: int) -> dict[str, dict[str, float]]:
    """Give CPU milliseconds per upload and peak memory of every part."""
    return {
        name: {
            "cpu_ms_per_upload": round(1000 * (cost.cpu_s - before.get(name, Cost()).cpu_s) / uploads, 3),
            "peak_rss_mb": round(cost.peak_rss / 2**20),
        }
        for name, cost in sorted(after.items())
    }


def freshness(client: Client, seen: Sequence[Seen]) -> dict[str, float]:
    """Give quantiles of the time from upload to decision."""
    sent = client.sent_at()
    decided, visible = [], []
    for each in seen:
        upload_ms = sent[client.decision(each).origin]
        decided.append((each.message.timestamp_ms - upload_ms) / 1000)
        visible.append((each.at_ms - upload_ms) / 1000)
    return {
        "p50_s": round(float(np.quantile(decided, 0.5)), 3),
        "p99_s": round(float(np.quantile(decided, 0.99)), 3),
        "worst_s": round(max(decided), 3),
        "seen_p50_s": round(float(np.quantile(visible, 0.5)), 3),
        "seen_p99_s": round(float(np.quantile(visible, 0.99)), 3),
    }


def waits(client: Client, uploads: Sequence[tuple[bytes, bytes]]) -> dict[str, dict[str, float]]:
    """Give quantiles of the time that each hop takes, from timestamp to timestamp."""
    found = {}
    before = client.times_by_key(UPLOADS)
    for hop in HOPS:
        after = client.times_by_key(hop)
        took = [(after[key] - before[key]) / 1000 for key, _ in uploads]
        found[hop] = {
            "p50_s": round(float(np.quantile(took, 0.5)), 3),
            "p99_s": round(float(np.quantile(took, 0.99)), 3),
        }
        before = after
    return found


def within(times: Sequence[float], first: float, last: float) -> list[float]:
    """Keep the times of one phase."""
    return [at for at in times if first <= at <= last]


def rate_of(times: Sequence[float]) -> float:
    """Give records per second from the first to the last."""
    return round((len(times) - 1) / max(1e-9, times[-1] - times[0]), 1) if len(times) > 1 else 0.0


def flood(client: Client, watch: Watch, uploads: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """Publish all at once."""
    watch.forget_peaks()
    before, began = watch.costs(), time.time()
    seen = client.run(uploads)
    after, ended = watch.costs(), time.time() + 1
    stamps = sorted(each.message.timestamp_ms / 1000 for each in seen)
    fifths = [stamps[len(stamps) * n // 5 : len(stamps) * (n + 1) // 5] for n in range(5)]
    # Every transaction writes the arbiter's head once.
    transactions = within(client.times(HEAD), stamps[0] - 1, stamps[-1] + 1)
    outcomes = Counter(client.decision(each).outcome.value for each in seen)
    return {
        "uploads": len(uploads),
        "decisions_per_s": rate_of(stamps),
        "decisions_per_s_by_fifth": [rate_of(fifth) for fifth in fifths],
        "seconds_from_publish_to_last": round(stamps[-1] - began, 1),
        "hops_per_s": {hop: rate_of(within(client.times(hop), began, ended)) for hop in HOPS},
        "looked_up_again": len(within(client.times("lookup.again.v1"), began, ended)),
        "transactions_per_s": rate_of(transactions),
        "decisions_per_transaction": round(len(stamps) / max(1, len(transactions)), 1),
        "outcomes": dict(sorted(outcomes.items())),
        "parts": spent(before, after, uploads=len(uploads)),
    }


def paced(client: Client, watch: Watch, uploads: list[tuple[bytes, bytes]], rate: float) -> dict[str, Any]:
    """Publish at a steady rate."""
    before = watch.costs()
    seen = client.run(uploads, rate=rate)
    after = watch.costs()
    return {
        "uploads_per_s": round(rate, 1),
        "uploads": len(uploads),
        "freshness": freshness(client, seen),
        "waits_by_hop": waits(client, uploads),
        "parts": spent(before, after, uploads=len(uploads)),
    }


def measure(settings: Settings, count: int) -> Iterator[tuple[str, Any]]:
    uploads = list(invented_uploads(WARM + 3 * count))
    with running_service(settings) as watch:
        client = Client(settings)
        try:
            prepared = client.prepared(uploads)
            # Models load and groups gather before anything is counted.
            client.run(prepared[:WARM], rate=100.0)
            at = WARM + count
            whole = flood(client, watch, prepared[WARM:at])
            yield "flood", whole
            time.sleep(REST_S)
            for name, rate in (("half_rate", whole["decisions_per_s"] / 2), ("steady", STEADY_RATE)):
                wave = prepared[at : at + int(rate * PACED_S)]
                at += len(wave)
                yield name, paced(client, watch, wave, rate)
            yield "peak_rss_mb", {n: round(c.peak_rss / 2**20) for n, c in sorted(watch.costs().items())}
        finally:
            client.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    options, _ = parser.parse_known_args()
    started = machine_facts()
    with tempfile.TemporaryDirectory(prefix="samesong-bench-") as folder:
        figures = dict(measure(load_settings(data_dir=Path(folder)), options.count))
    write_result(
        "pipeline",
        "metadata-only uploads through Kafka, every stage, real text vectors and Milvus Lite, with "
        "publisher and subscriber on the same machine",
        figures,
        started=started,
    )


if __name__ == "__main__":
    main()
