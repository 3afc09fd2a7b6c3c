"""The demo's drift: a steady stream of titles, then other languages, and what the drift stage says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from streams.config import Settings
from streams.connection import bootstrap_of, codec_for, kafka_extra
from streams.core.records import DriftAlert, DriftWindow
from streams.demo.titles import ENGLISH, FOREIGN, Grammar, InventedUploads
from streams.edges.kafka_producer import Publisher
from streams.edges.log_follower import LogFollower

WINDOWS, ALERTS, UPLOADS = "drift.window.v1", "drift.alert.v1", "catalog.upload.v1"
WATCHED = "text"
# Windows of seconds instead of a minute, and as many embeddings in each as the p-value needs: four input
# partitions make four sketches a window, and eight of them to a half of the reference.
ENVIRONMENT = {
    "SAMESONG_DRIFT__WINDOW_S": "2.5",
    "SAMESONG_DRIFT__GRACE_S": "0.5",
    "SAMESONG_DRIFT__REFERENCE_WINDOWS": "4",
    "SAMESONG_DRIFT__MIN_COUNT": "100",
    "SAMESONG_DRIFT__P_VALUE": "0.005",
}
IN_WORDS = {"gathering": "too few to judge, counted with the next", "building": "a part of the reference"}
CALM_WINDOWS = 3
UPLOADS_PER_BEAT, BEAT_SECONDS = 6, 0.1
CALM_SECONDS, SHIFTED_SECONDS = 60.0, 30.0
SEED = 7


@dataclass(slots=True, kw_only=True)
class Shift:
    """What was sent and what the drift stage said.

    Attributes
    ----------
    calm, foreign : int
        uploads sent before and after the shift
    shifted_ms : int, optional [ms since 1970]
        when the first foreign one was sent
    alert_s : float, optional [s]
        from then to the alert
    windows, alerts : list
        all that the stage wrote, of every model
    """

    calm: int = 0
    foreign: int = 0
    shifted_ms: int | None = None
    alert_s: float | None = None
    windows: list[DriftWindow] = field(default_factory=list)
    alerts: dict[str, DriftAlert] = field(default_factory=dict)

    @property
    def judged(self) -> list[DriftWindow]:
        """Windows of the titles that were compared with the reference."""
        return [w for w in self.windows if w.modality == WATCHED and is_judged(w)]

    @property
    def calm_judged(self) -> list[DriftWindow]:
        """Those that ended before the shift."""
        return [w for w in self.judged if self.shifted_ms is None or w.end_ms <= self.shifted_ms]

    @property
    def found(self) -> list[DriftAlert]:
        """Alerts that the shift explains: of the titles, with a window that the shift reaches into."""
        return [alert for alert in self.alerts.values() if self._explained(alert)]

    @property
    def false(self) -> list[DriftAlert]:
        """All other alerts, of whatever model and code."""
        return [alert for alert in self.alerts.values() if not self._explained(alert)]

    @property
    def right(self) -> bool:
        """Say whether there were calm windows, no alert before the shift, and one after it."""
        return bool(self.calm_judged) and not self.false and bool(self.found)

    def _explained(self, alert: DriftAlert) -> bool:
        reached = self.shifted_ms is not None and alert.end_ms > self.shifted_ms
        return reached and alert.modality == WATCHED and alert.code == "shift"


def is_judged(window: DriftWindow) -> bool:
    """Say whether a window was compared with the reference."""
    return window.reference not in {"building", "gathering"}


def show_drift(settings: Settings, *, say: Callable[[str], None]) -> Shift:
    """Send a steady stream, shift it, and give what the drift stage wrote by then.

    Parameters
    ----------
    settings : Settings
        of the running service
    say : callable
        told a line for each window of titles
    """
    seen = Shift()
    with ExitStack() as stack:
        bootstrap, extra = bootstrap_of(settings), kafka_extra(settings)
        followers = [
            stack.enter_context(LogFollower(bootstrap, extra, topic, start="beginning"))
            for topic in (WINDOWS, ALERTS)
        ]
        publisher = stack.enter_context(Publisher(bootstrap, extra))
        codec, invented = codec_for(settings), InventedUploads(SEED)

        def send(grammars: tuple[Grammar, ...]) -> None:
            for _ in range(UPLOADS_PER_BEAT):
                upload = invented.next(grammars)
                publisher.publish(
                    UPLOADS, key=upload.key.text().encode(), value=codec.encode(UPLOADS, upload)
                )

        def look() -> None:
            for follower in followers:
                for message in follower.poll(0.0):
                    _note(seen, codec.decode(message.topic, message.value or b""), say)

        for _ in _beats(CALM_SECONDS):
            send((ENGLISH,))
            seen.calm += UPLOADS_PER_BEAT
            look()
            if len(seen.judged) >= CALM_WINDOWS:
                break
        shifted, seen.shifted_ms = time.monotonic(), time.time_ns() // 1_000_000
        say("From here on titles in Japanese, Russian and Spanish ...")
        for _ in _beats(SHIFTED_SECONDS):
            send(FOREIGN)
            seen.foreign += UPLOADS_PER_BEAT
            look()
            if seen.found:
                seen.alert_s = time.monotonic() - shifted
                break
    return seen


def _note(seen: Shift, record: DriftWindow | DriftAlert, say: Callable[[str], None]) -> None:
    """Keep what the stage wrote; it writes at least once."""
    if isinstance(record, DriftAlert):
        seen.alerts[record.alert_id] = record
        return
    if record.window_id in {window.window_id for window in seen.windows}:
        return
    seen.windows.append(record)
    if record.modality == WATCHED:
        what = (
            f"distance {record.distance:.3f}, p {record.p_value:.4f}"
            if is_judged(record)
            else IN_WORDS.get(record.reference, record.reference)
        )
        say(f"window of {record.count:3} titles: {what}")


def _beats(seconds: float) -> Iterator[None]:
    """Come round at an even pace for so long."""
    begun = time.monotonic()
    due = begun
    while due - begun < seconds:
        yield
        due += BEAT_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
