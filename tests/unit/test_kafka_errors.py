import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.edges.kafka_errors import ErrorClass, check_polled, classify, is_fenced, kafka_error, translate
from streams.errors import BrokerUnavailable, FatalError, Fenced, OffsetRegression, ResolverError


def _error(code: int, *, fatal: bool = False, retriable: bool = False, abort: bool = False) -> KafkaError:
    return KafkaError(code, "said", fatal, retriable, abort)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_error(KafkaError._FATAL), ErrorClass.fatal),
        (_error(KafkaError._TIMED_OUT, fatal=True), ErrorClass.fatal),
        (_error(KafkaError._FENCED, abort=True), ErrorClass.fatal),
        (_error(KafkaError.FENCED_INSTANCE_ID, retriable=True), ErrorClass.fatal),
        (_error(KafkaError._FAIL, abort=True), ErrorClass.abortable),
        (_error(KafkaError._FAIL, abort=True, retriable=True), ErrorClass.abortable),
        (_error(KafkaError.ILLEGAL_GENERATION), ErrorClass.abortable),
        (_error(KafkaError.UNKNOWN_MEMBER_ID), ErrorClass.abortable),
        (_error(KafkaError._FAIL, retriable=True), ErrorClass.retriable),
        (_error(KafkaError._MSG_TIMED_OUT), ErrorClass.retriable),
        (_error(KafkaError._ALL_BROKERS_DOWN), ErrorClass.retriable),
        (_error(KafkaError._FAIL), ErrorClass.fatal),
        (_error(KafkaError.TOPIC_AUTHORIZATION_FAILED), ErrorClass.fatal),
    ],
)
def test_every_error_has_one_class(error: KafkaError, kind: ErrorClass) -> None:
    assert classify(error) is kind


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (_error(KafkaError._FENCED), Fenced),
        (_error(KafkaError.INVALID_PRODUCER_EPOCH), Fenced),
        (_error(KafkaError._AUTO_OFFSET_RESET), OffsetRegression),
        (_error(KafkaError._TRANSPORT), BrokerUnavailable),
        (_error(KafkaError.ILLEGAL_GENERATION), BrokerUnavailable),
        (_error(KafkaError.MSG_SIZE_TOO_LARGE), FatalError),
    ],
)
def test_errors_become_ours(error: KafkaError, expected: type[ResolverError]) -> None:
    ours = translate(error, "writing")
    assert type(ours) is expected
    assert str(ours).startswith("writing: said")
    assert is_fenced(error) == (expected is Fenced)


def test_exceptions_without_an_error_inside_are_fatal() -> None:
    assert classify(kafka_error(KafkaException("odd"))) is ErrorClass.fatal


def test_polling_passes_over_what_passes_by_itself() -> None:
    for code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._MAX_POLL_EXCEEDED, KafkaError._TRANSPORT):
        check_polled(_error(code), "reading")
    with pytest.raises(OffsetRegression):
        check_polled(_error(KafkaError._AUTO_OFFSET_RESET), "reading")
