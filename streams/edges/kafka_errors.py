"""Kafka's errors in three classes, and their translation to ours: no vendor error crosses a port."""

from enum import StrEnum

from confluent_kafka import KafkaError, KafkaException

from streams.errors import BrokerUnavailable, FatalError, Fenced, OffsetRegression, ResolverError


class ErrorClass(StrEnum):
    """What the caller must do about an error."""

    retriable = "retriable"  # the same call may work later
    abortable = "abortable"  # abort the transaction, rewind to the committed offset, drop the batch's state
    fatal = "fatal"  # this client is of no use any more


# Another owner has taken over, or (the same code) the broker gave a transaction up after its time-out.
FENCED_CODES = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,
    }
)
# A rebalance went past us: what we computed belongs to somebody else now, but we can join again.
REBALANCED_CODES = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.STALE_MEMBER_EPOCH,
    }
)
# The library marks errors as retriable in its transactional calls only; elsewhere these are.
TRANSPORT_CODES = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._WAIT_COORD,
        KafkaError._QUEUE_FULL,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_ENOUGH_REPLICAS,
        KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)
# While we poll, these pass by themselves: metadata is still on its way, or we join the group again.
PASSING_CODES = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError._PARTITION_EOF,
    }
)


def kafka_error(exc: KafkaException) -> KafkaError:
    """Return the error that an exception of the library carries."""
    error = exc.args[0] if exc.args else None
    if isinstance(error, KafkaError):
        return error
    return KafkaError(KafkaError._FAIL, str(exc))


def classify(error: KafkaError) -> ErrorClass:
    """Say what must be done about an error; one that says none of the three is fatal."""
    code = error.code()
    # A refused static member is fatal by its code alone: its `fatal()` says no.
    if error.fatal() or code == KafkaError._FATAL or code in FENCED_CODES:
        return ErrorClass.fatal
    if error.txn_requires_abort() or code in REBALANCED_CODES:
        return ErrorClass.abortable
    if error.retriable() or code in TRANSPORT_CODES:
        return ErrorClass.retriable
    return ErrorClass.fatal


def is_fenced(error: KafkaError) -> bool:
    """Say whether another owner has taken over, or a transaction outlived its time-out."""
    return error.code() in FENCED_CODES


def translate(error: KafkaError, doing: str) -> ResolverError:
    """Return our error for Kafka's.

    Parameters
    ----------
    error : KafkaError
    doing : str
        what was attempted, for the person who reads the message

    Returns
    -------
    error : BrokerUnavailable, Fenced, OffsetRegression or FatalError
        abortable ones are ``BrokerUnavailable`` here: outside a transaction the same call may work later
    """
    said = f"{doing}: {error.str()} ({error.name()})"
    if is_fenced(error):
        return Fenced(said)
    if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
        return OffsetRegression(said)
    if classify(error) is ErrorClass.fatal:
        return FatalError(said)
    return BrokerUnavailable(said)


def check_polled(error: KafkaError, doing: str) -> None:
    """Judge an error that a poll returned in place of a record: pass over it, or raise ours.

    Raises
    ------
    FatalError
        polling on cannot help
    """
    if error.code() in PASSING_CODES or classify(error) is not ErrorClass.fatal:
        return
    raise translate(error, doing)
