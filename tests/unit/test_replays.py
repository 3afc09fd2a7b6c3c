"""What refused records carry, which of them a replay sends, and that hostile headers say nothing."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cli.replaying import Chosen, Letter, paced, plan_replay, replay_key, since_ms
from streams.core.encoding import INLINE_LIMIT, SHOWN_BODY, refused
from streams.core.records import DeadLetter, Origin
from streams.core.replays import (
    letter_headers,
    origin_text,
    parse_origin,
    read_replay,
    replay_headers,
    schema_id,
)

AT = Origin(topic="catalog.upload.v1", partition=2, offset=17)


def letter(body: bytes = b'{"source": "s"}', *, offset: int = 17, **more: object) -> Letter:
    record = DeadLetter(
        event_id=str(offset),
        sequence=1,
        origin=replace(AT, offset=offset),
        code="media_missing",
        reason="no such file",
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        body_bytes=len(body),
        source="s",
        item_id="1",
    )
    return Letter(
        record=replace(record, **more),  # type: ignore[arg-type]  # names of its fields
        at_ms=1000 * offset,
        offset=offset,
        headers=(("traceparent", b"00-1-2-01"), ("reason", b"r")),
    )


def inline(record: DeadLetter) -> bytes | None:
    return record.body if len(record.body) == record.body_bytes else None


def test_a_dead_letter_says_in_its_headers_what_it_is_about() -> None:
    headers = dict(letter_headers(letter(attempt=3).record))
    assert headers == {
        "source-topic": b"catalog.upload.v1",
        "source-partition": b"2",
        "source-offset": b"17",
        "schema-id": b"json",
        "error-code": b"media_missing",
        "reason": b"no such file",
        "attempt": b"3",
    }


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"\xc3\x01\x00\x11\x22\x33\x44\x55\x66\x77rest", "0011223344556677"),
        (b"\x00\x00\x00\x01\x02rest", "258"),
        (b'  {"a": 1}', "json"),
        (b"\xc3\x01", ""),
        (b"", ""),
    ],
)
def test_the_schema_is_named_as_the_bytes_claim_it(body: bytes, named: str) -> None:
    assert schema_id(body) == named


def test_a_replayed_record_names_what_it_replays_and_the_attempt() -> None:
    first = letter().record
    assert read_replay(replay_headers(first)) == (2, AT)
    again = replace(first, attempt=2, origin=replace(AT, offset=99))
    assert read_replay(replay_headers(again)) == (3, replace(AT, offset=99))


def test_a_refused_replay_carries_its_attempt_on() -> None:
    made = refused(
        b"x", code="c", reason="r", origin=AT, received_ms=0, headers=replay_headers(letter().record)
    )
    assert made.refusal is not None
    assert (made.refusal.attempt, made.refusal.replay_of) == (2, AT)


@given(st.lists(st.tuples(st.sampled_from(["samesong-replay-of", "samesong-attempt"]), st.binary())))
def test_headers_that_say_nonsense_say_nothing(headers: list[tuple[str, bytes]]) -> None:
    assert read_replay(headers) == (1, None)


def test_a_position_is_read_as_it_is_written() -> None:
    assert parse_origin(origin_text(AT)) == AT
    for wrong in ("", "a/b/c", "a/1", "a/1/2/3", "a b/1/2", "a/-1/2", "a/1/" + "9" * 30):
        assert parse_origin(wrong) is None


@pytest.mark.parametrize("size", [0, SHOWN_BODY + 1, INLINE_LIMIT])
def test_a_body_up_to_the_limit_is_whole_in_the_letter(size: int) -> None:
    made = refused(b"x" * size, code="c", reason="r", origin=AT, received_ms=0)
    assert made.refusal is not None
    assert made.refusal.body == b"x" * size


def test_a_longer_body_is_shown_in_part() -> None:
    made = refused(b"x" * (INLINE_LIMIT + 1), code="c", reason="r", origin=AT, received_ms=0)
    assert made.refusal is not None
    assert (len(made.refusal.body), made.refusal.body_bytes) == (SHOWN_BODY, INLINE_LIMIT + 1)


def test_a_record_with_several_letters_is_sent_once_as_the_next_attempt() -> None:
    letters = [letter(), letter(offset=30, attempt=2), letter(b"other", offset=31)]
    first, other = plan_replay(letters, inline)
    assert (first.letter.origin.offset, other.body) == (30, b"other")
    assert dict(first.headers)["samesong-attempt"] == b"3"
    assert dict(first.headers)["traceparent"] == b"00-1-2-01"


def test_what_cannot_be_replayed_says_why() -> None:
    ours = letter(origin=Origin(topic="arbiter.input.v1", partition=0, offset=1), offset=1)
    conflict = letter(b"c", offset=2, code="revision_conflict")
    gone = letter(b"g", offset=3, body_bytes=10_000)
    plan = list(plan_replay([ours, conflict, gone], inline))
    assert ["stages" in (plan[0].refused or ""), "revision" in (plan[1].refused or "")] == [True, True]
    assert "nowhere" in (plan[2].refused or "")


def test_letters_are_chosen_by_code_sender_time_and_place() -> None:
    one, two = letter(offset=1), letter(offset=2, code="media_empty", source=None)
    assert one in Chosen()
    assert one in Chosen(codes=["media_missing"], sources=["s"], since_ms=1000, origins=[one.record.origin])
    assert two not in Chosen(codes=["media_missing"])
    assert two not in Chosen(sources=["s"])
    assert one not in Chosen(since_ms=1001)
    assert two not in Chosen(origins=[one.record.origin])


def test_times_are_read_absolute_and_backwards() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert since_ms("2h", now=now) == since_ms("2026-01-31T10:00:00", now=now)
    assert since_ms("2026-01-31T12:00:00+02:00", now=now) == since_ms("120m", now=now)
    with pytest.raises(ValueError, match="yesterday"):
        since_ms("yesterday", now=now)


def test_the_key_is_the_items_where_it_is_known() -> None:
    assert replay_key(letter().record) == replay_key(letter(offset=5).record)
    unknown = letter(source=None, item_id=None).record
    assert replay_key(unknown) == b"catalog.upload.v1/2/17"


def test_a_rate_is_kept_without_falling_behind() -> None:
    clock = 0.0
    waits: list[float] = []

    def wait(seconds: float) -> None:
        nonlocal clock
        waits.append(seconds)
        clock += seconds

    plan = list(plan_replay([letter(b"%d" % n, offset=n) for n in range(5)], inline))
    assert list(paced(plan, 10.0, now=lambda: clock, wait=wait)) == plan
    assert clock == pytest.approx(0.4)
    assert len(waits) == 4
