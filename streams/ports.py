"""What the inside of Samesong asks of the outside: the protocols that edges and wiring meet at.

A vendor's object or exception never crosses one of these; an edge translates both at the call.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streams.core.catalogue import Changes
from streams.core.records import IndexRow, Media, Origin, SoundEvidence, SoundFacts, VectorRow
from streams.core.store_mark import StoreMark

FloatArray = NDArray[np.float32]
Headers = tuple[tuple[str, bytes], ...]


class Clock(Protocol):
    """Time as an argument."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...


# --- messages ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One record of a topic as it was read.

    Attributes
    ----------
    gap : int >= 0
        how many offsets right before it hold no record: the ends of transactions, and what was aborted; 0
        where that is not known
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0
    gap: int = 0

    def header(self, name: str) -> bytes | None:
        """Return the last header of this name."""
        for key, value in reversed(self.headers):
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """One record to be written.

    Attributes
    ----------
    cause : int, optional
        index of the message of the batch that it follows from: the runner continues that message's trace
    """

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers = ()
    cause: int | None = None


class Processor(Protocol):
    """What a stage does with a batch: no Kafka client, no thread, no offset in here."""

    def process(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Turn a batch into the records that follow from it.

        Raises
        ------
        TransientError
            one of our own dependencies does not answer: the runner pauses and gives the same batch again
        FatalError
            going on would corrupt state
        """
        ...


class Holds(Protocol):
    """Partitions that a stage must not read for a while, and where it has left them."""

    def held(self) -> frozenset[tuple[str, int]]:
        """Name the partitions that are not to be read; called often, from the polling thread."""
        ...

    def cut(self) -> Mapping[tuple[str, int], int]:
        """Give, of partitions that the batch just processed has left undone, the first record left.

        Called from the processor's thread after each batch. What lies before that record is finished;
        from there on the partition is read again once it is held no more.
        """
        ...


class Delivered(NamedTuple):
    """One record of a committed transaction and the offset that the broker gave it."""

    produced: Produced
    offset: int


StateReader = Callable[[str, int], Iterator[Message]]
"""``read(topic, from_offset)``: what is committed from an offset on, up to the end taken at the restore.

Aborted records are never given. ``from_offset`` 0 means from the earliest record that is kept; another
offset that is no longer kept, or beyond the end, raises ``OffsetRegression``.
"""


class TransactionalStage(Protocol):
    """A stage whose outcome is one Kafka transaction per micro-batch; all calls come from one thread.

    The order of calls is ``restore``, then any number of ``decide`` followed by either ``committed`` or
    ``rolled_back`` or a new ``restore``. ``decide`` must leave the stage's state as it was until
    ``committed``: compute first, apply after the commit is confirmed.
    """

    def restore(self, read: StateReader, *, ends: Mapping[str, int], committed: int | None) -> int:
        """Rebuild the state from its topics.

        Called whenever a partition is given to us, and after every error that leaves a transaction's fate
        unknown; older owners are already fenced.

        Parameters
        ----------
        read : StateReader
            reads the stage's state topics, in the partition of the input that was given to us
        ends : mapping
            next offset of each state topic, read_committed, taken after the older owner was fenced
        committed : int, optional
            the group's committed offset of the input; none when nothing was ever committed

        Returns
        -------
        next_offset : int
            offset of the input to go on from: what the state says it has decided up to; the runner goes
            there, whatever ``committed`` says (a group's offsets expire, the state's topics do not)
        """
        ...

    def decide(self, batch: Sequence[Message]) -> Sequence[Produced]:
        """Compute what follows from a batch, without applying it.

        Raises
        ------
        TransientError
            a dependency does not answer: nothing is written, the same batch comes again after a pause
        FatalError
            going on would corrupt state
        """
        ...

    def committed(self, deliveries: Sequence[Delivered], *, next_offset: int) -> None:
        """Apply the batch last decided: its transaction is committed.

        Parameters
        ----------
        deliveries : sequence of Delivered
            every record of the batch, in the order of ``decide``, with its offset
        next_offset : int
            offset of the input that comes next
        """
        ...

    def rolled_back(self) -> None:
        """Drop what the last ``decide`` computed: its transaction was aborted; the same input comes again."""
        ...

    def ready(self) -> bool:
        """Say whether intake may go on; false while the overlay is full or the index is behind."""
        ...


class BatchTrace(Protocol):
    """The spans of one batch in process."""

    def headers(self, cause: int | None) -> Headers:
        """Return the trace headers of a record that follows from message ``cause`` of the batch."""
        ...


class Tracing(Protocol):
    """What the runners ask of tracing; it never raises and never blocks."""

    def batch(self, topic: str, messages: Sequence[Message]) -> AbstractContextManager[BatchTrace]:
        """Open the span ``process <topic>`` with one child per message; leaving it ends them all."""
        ...


class StageMetrics(Protocol):
    """What stages count, by the names of ``streams.telemetry.METRICS``; it never raises or blocks."""

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Count ``value`` more."""
        ...

    def record(self, name: str, value: float, **labels: str) -> None:
        """Put one value into a histogram."""
        ...

    def set(self, name: str, value: float, **labels: str) -> None:
        """Say what a gauge stands at."""
        ...


class RunnerMetrics(Protocol):
    """What the runners count; it never raises and never blocks."""

    def processed(self, topic: str, *, items: int, seconds: float) -> None:
        """Count a finished batch."""
        ...

    def retried(self, topic: str, *, code: str) -> None:
        """Count a batch that is given again after an error with this code."""
        ...

    def transaction(self, outcome: str) -> None:
        """Count a transaction: committed, aborted or recycled."""
        ...

    def lag(self, topic: str, partition: int, *, records: int, seconds: float) -> None:
        """Tell how far behind the end of a partition we are, and how old the record last read was."""
        ...


class Codec(Protocol):
    """Bytes to the frozen values of ``streams.core.records`` and back, by topic."""

    def encode(self, topic: str, record: object) -> bytes:
        """Write a value of the class that belongs to ``topic``."""
        ...

    def decode(self, topic: str, data: bytes) -> Any:  # the class follows from the topic
        """Read a value of the class that belongs to ``topic``.

        Raises
        ------
        DecodeError
            wrong magic, unknown fingerprint, or bytes that do not fit their schema
        """
        ...


# --- vector index ------------------------------------------------------------------------------------


class Hit(NamedTuple):
    """One indexed row near a query; it names an upload, never an entity."""

    source: str
    item_id: str
    revision: int
    window: int
    start_ms: int
    similarity: float
    sound: SoundFacts | None = None  # of that upload, where its row names it


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexBuild:
    """One physical build of the index.

    Attributes
    ----------
    name : str
    watermark : int >= 0
        next offset of `index.row.v1` that it has not folded; stored inside the build, after its rows
    rows : int >= 0
        live rows over all collections
    active : bool
        whether the alias points here
    filling : bool
        made and never promoted: whoever made it folds into it, and nobody else
    """

    name: str
    watermark: int
    rows: int
    active: bool
    filling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSummary:
    """What an index build holds, comparable with the fold of the log.

    Attributes
    ----------
    rows : int
    checksum : str
        order-free, 16 hex digits: sum modulo 2**64 of the first 8 bytes (big-endian) of sha256 over row ids
    """

    rows: int
    checksum: str


class RowLog(Protocol):
    """The log that index builds are folds of."""

    def end(self) -> int:
        """Return its read-committed end."""
        ...

    def read(self, first: int, end: int) -> Iterator[Message]:
        """Read what is committed from an offset up to an end, in order."""
        ...


class CandidateIndex(Protocol):
    """Approximate nearest neighbours over immutable rows; one collection per modality and model version.

    Several builds may exist; an alias names the active one. All methods raise ``IndexUnavailable`` when the
    store does not answer, and may be called from several threads.
    """

    def active(self) -> IndexBuild:
        """Resolve the alias; with no build at all, create and activate an empty one."""
        ...

    def builds(self) -> tuple[IndexBuild, ...]:
        """List every build."""
        ...

    def create(self, build: str) -> IndexBuild:
        """Make an empty build with watermark 0, to be filled; an existing one of that name is emptied."""
        ...

    def promote(self, build: str) -> None:
        """Point the alias at a build; from now on it is filled no more but kept up to date."""
        ...

    def drop(self, build: str) -> None:
        """Delete a build that is not active."""
        ...

    def apply(self, build: str, rows: Sequence[IndexRow], *, watermark: int) -> None:
        """Fold rows (last operation per row id wins), flush, then store the watermark.

        Rows hold float16 little-endian values; a wrong dimension or a value that is not finite raises
        ``CorruptState`` before anything is written. Applying the same rows twice changes nothing.
        """
        ...

    def search(
        self, build: str, *, modality: str, model: str, vectors: FloatArray, limit: int
    ) -> list[tuple[Hit, ...]]:
        """Find the nearest rows by cosine.

        Parameters
        ----------
        vectors : float32 [shape=(n, d)]
            unit length
        limit : int
            at most this many hits per query

        Returns
        -------
        list of n tuples, most similar first; empty where the build has no such collection
        """
        ...

    def summary(self, build: str) -> IndexSummary:
        """Count and checksum every live row."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


# --- the arbiter's local store ---------------------------------------------------------------------------


class StateStore(Protocol):
    """The arbiter's state on its own disk: a fold that says how far it has folded, and may be lost any time.

    It never stops its owner. A store that cannot be written, or that another owner has taken over, lets go of
    what it holds or leaves it alone, and the next start reads the log from its beginning.
    """

    def take_over(self) -> StoreMark | None:
        """Own the store from now on, so that no older owner can write; give its mark, if it has one."""
        ...

    def read(self) -> Changes | None:
        """Read everything that it holds; none where that cannot be read."""
        ...

    def write(self, changes: Changes, mark: StoreMark) -> None:
        """Fold the changes of a committed transaction, with the mark, both or neither."""
        ...

    def reset(self) -> None:
        """Empty it."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


# --- features and sound ------------------------------------------------------------------------------


class FeatureStore(Protocol):
    """Content-addressed, immutable blobs, written before the record that names them."""

    def put(self, data: bytes) -> str:
        """Keep a blob, durable on return; give its sha256 as hex. Keeping it again refreshes its time."""
        ...

    def get(self, digest: str) -> bytes:
        """Read a blob and check its digest.

        Raises
        ------
        FeatureMissing
            no such blob, or its bytes are damaged
        """
        ...

    def has(self, digest: str) -> bool:
        """Say whether the blob is there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardSound:
    """What was heard in one decoded signal: facts without the blob's digest, the blob, and index vectors."""

    duration_ms: int
    silent_share: float
    rms_dbfs: float
    content_sha256: str
    features: bytes
    vectors: tuple[VectorRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimedPicture:
    """A picture out of a video: RGB [shape=(h, w, 3)] and where it stands."""

    start_ms: int
    pixels: NDArray[np.uint8]


class Sound(Protocol):
    """Mono sound of 16 bits, read in pieces and as often as wanted, so that its length costs no memory."""

    @property
    def sr(self) -> int:
        """Sampling rate in Hz."""
        ...

    @property
    def samples(self) -> int:
        """Length."""
        ...

    def read(self, first: int, count: int) -> NDArray[np.int16]:
        """Read up to ``count`` samples from ``first`` on: int16 [shape=(n,)], fewer only at the end."""
        ...

    def close(self) -> None:
        """Let go of what holds the samples; happens by itself when nobody refers to the sound any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedMedium:
    """What came out of one medium.

    Attributes
    ----------
    sound : Sound
        empty when sound was not asked for
    duration_ms : int
        of ``sound``
    declared_ms : int, optional
        what the file says of itself
    pictures : tuple of TimedPicture
        key frames, ascending in time
    tags : dict
        embedded tags, lower-case names
    """

    sound: Sound
    duration_ms: int
    declared_ms: int | None = None
    pictures: tuple[TimedPicture, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)


class MediaReader(Protocol):
    """Media of uploads, fetched and decoded under limits; every refusal is a ``MediaError`` with its code.

    Our own faults (no decoder can be started, the disk is full) are ``TransientError``.
    """

    def medium(self, media: Media, *, origin: Origin, sound: bool = True, pictures: int = 0) -> DecodedMedium:
        """Read sound, and up to ``pictures`` key frames spread over a video."""
        ...

    def picture(self, media: Media, *, origin: Origin) -> NDArray[np.uint8]:
        """Read a still picture as RGB [shape=(h, w, 3)]."""
        ...


class Encoder(Protocol):
    """Embeddings of text, sound and pictures; batched, NumPy in and out."""

    @property
    def models(self) -> dict[str, str]:
        """Model name-version by modality."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed strings: float32 [shape=(n, 512)], unit rows; a row of zeros where nothing could be read."""
        ...

    def encode_sound(self, sound: Sound) -> HeardSound:
        """Hear a sound; raises ``MediaError`` for one that holds nothing to hear."""
        ...

    def encode_images(self, images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        """Embed RGB pictures [shape=(h, w, 3)]: float32 [shape=(n, 1280)]; none when the model is absent."""
        ...


class Confirmer(Protocol):
    """Comparison of two sounds from their stored features alone: a pure function of both blobs."""

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        """Align and compare.

        Raises
        ------
        FeatureMissing
            a blob is gone: pause and ask for re-encoding
        """
        ...
