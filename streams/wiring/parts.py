"""Parts built from settings: rules, stores, encoders, media."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.promoting import rules_of
from streams.core.rules import Confirm, Rules
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.clock import SystemClock
from streams.edges.encoder import BundleEncoder
from streams.edges.feature_files import FileFeatureStore
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_fetch import MediaFetcher
from streams.edges.media_https import HttpsDownload
from streams.edges.media_reader import LimitedMediaReader
from streams.edges.media_roots import read_media_roots
from streams.errors import ConfigError
from streams.ports import CandidateIndex, Encoder
from streams.steps import Guard, unguarded

log = logging.getLogger(__name__)


def rules(bundle: Bundle, confirm: Confirm) -> Rules:
    """Put a parameter bundle to work."""
    return rules_of(bundle, confirm)


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects that all stay, without looking for garbage among them: half the time (measured)."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# What a batch makes is freed with it, hardly ever by the collector, which by default looks after every 700
# new objects: a tenth of a millisecond of each upload (measured).
COLLECTED_EVERY: Final = 20_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom, for as long as the block lasts, and then at what was frozen in it as well."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_EVERY)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def feature_store(settings: Settings, *, guard: Guard = unguarded) -> FileFeatureStore:
    """Open the feature store of an installation."""
    return FileFeatureStore(settings.data_dir / "features", guard=guard)


def media_reader(
    settings: Settings, *, work: Path | None = None, more_roots: tuple[Path, ...] = ()
) -> LimitedMediaReader:
    """Fetch and decode under the limits of the settings; folders given to `publish` may be read too.

    Parameters
    ----------
    work : Path, optional
        where files in passing and attempt marks lie; by default the data folder
    more_roots : tuple of Path
        further folders under which ``file:`` media may be read
    """
    limits, work = settings.media, work or settings.data_dir
    scratch = work / "scratch"
    clock = SystemClock()
    fetcher = MediaFetcher(
        roots=lambda: (*limits.allowed_roots, *read_media_roots(settings.data_dir), *more_roots),
        download=HttpsDownload(
            allowed_hosts=limits.allowed_hosts,
            max_bytes=limits.max_bytes,
            timeout_s=limits.fetch_timeout_s,
            clock=clock,
        ),
        max_bytes=limits.max_bytes,
        scratch=scratch,
        clock=clock,
    )
    decoder = MediaDecoder(
        marks=AttemptMarks(work / "attempts"),
        scratch=scratch,
        max_seconds=limits.max_seconds,
        max_pixels=limits.max_pixels,
        timeout_s=limits.decode_timeout_s,
        memory_mb=limits.decode_memory_mb,
    )
    return LimitedMediaReader(fetcher, decoder)


def encoder(settings: Settings) -> Encoder | None:
    """Load the models; without them records are found by their blocking keys alone, and that is said."""
    try:
        return BundleEncoder.load(settings.models_dir)
    except ConfigError as exc:
        log.warning("no vectors: %s", exc)
        return None


def candidate_index(settings: Settings, *, guard: Guard = unguarded) -> CandidateIndex:
    """Open the vector index: Milvus Lite in the data folder, or a server."""
    # Milvus takes longer to import than all else together, and most processes open no index.
    from streams.edges.milvus import MilvusCandidateIndex, open_lite

    index = settings.index
    if index.uri is not None:
        token = index.token.get_secret_value() if index.token else None
        return MilvusCandidateIndex(index.uri, token=token, guard=guard)
    path = settings.data_dir / "index"
    path.mkdir(parents=True, exist_ok=True)
    return open_lite(path / "milvus.db", guard=guard)
