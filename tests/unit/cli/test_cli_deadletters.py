"""`samesong deadletters`, over dead letters that are given."""

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.cli import app, replaying
from streams.config import Settings
from streams.core.records import DeadLetter, Origin
from streams.core.replays import letter_headers, origin_text
from streams.edges.avro import AvroCodec
from streams.ports import Message

BODY = b'{"source": "s", "title": "\x1b[2JClear Water"}'
BINARY = b"\xc3\x01" + bytes(range(8)) + b"\xff" * 40


def letter(offset: int, body: bytes, **more: object) -> DeadLetter:
    known = {
        "event_id": str(offset),
        "sequence": offset,
        "origin": Origin(topic="catalog.upload.v1", partition=2, offset=offset),
        "code": "media_missing",
        "reason": "no such file",
        "body": body,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "body_bytes": len(body),
        "source": "s",
        "item_id": str(offset),
    }
    return DeadLetter(**{**known, **more})  # type: ignore[arg-type]  # names of its fields


class Letters:
    """An installation with these dead letters, and what is written to it."""

    def __init__(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch, *letters: DeadLetter) -> None:
        self.data_dir = data_dir
        self.written: list[replaying.Replay] = []
        codec = AvroCodec()
        messages = [
            Message(
                topic="deadletter.v1",
                partition=0,
                offset=number,
                key=b"",
                value=codec.encode("deadletter.v1", each),
                headers=(*letter_headers(each), ("traceparent", b"00-1-2-01")),
                timestamp_ms=1_000,
            )
            for number, each in enumerate(letters)
        ]
        monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", "nowhere:1")
        monkeypatch.setattr(replaying, "reached", lambda _settings: "nowhere:1")
        monkeypatch.setattr(replaying, "read_topic", lambda *_: iter(messages))
        monkeypatch.setattr(replaying, "write_replays", self._write)

    def _write(self, _settings: Settings, replays: Iterable[replaying.Replay]) -> int:
        self.written += replays
        return len(self.written)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["deadletters", *arguments, "--data-dir", str(self.data_dir)])


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Letters:
    ours = Origin(topic="arbiter.input.v1", partition=0, offset=9)
    return Letters(
        tmp_path,
        monkeypatch,
        letter(7, BODY),
        letter(8, BINARY, code="decode_error", source=None, item_id=None),
        letter(9, b"x", origin=ours, code="command_impossible"),
    )


def test_the_list_names_what_show_takes(letters: Letters) -> None:
    shown = letters.run("list", "--code", "media_missing")
    assert shown.exit_code == 0, shown.output
    assert "catalog.upload.v1/2/7" in shown.output
    assert "decode_error" not in shown.output
    assert "1 media_missing" in shown.output


def test_show_prints_text_with_its_control_characters_written_out(letters: Letters) -> None:
    shown = letters.run("show", "catalog.upload.v1/2/7")
    assert shown.exit_code == 0, shown.output
    for said in ("media_missing", "no such file", "source-offset: 7", "traceparent", "Clear Water"):
        assert said in shown.output
    assert "\x1b" not in shown.output


def test_show_dumps_what_is_no_text(letters: Letters) -> None:
    shown = letters.run("show", "catalog.upload.v1/2/8")
    assert "00000000  c3 01 00 01 02 03" in shown.output
    assert "schema-id: 0001020304050607" in shown.output


def test_show_gives_the_very_bytes(letters: Letters) -> None:
    assert letters.run("show", "catalog.upload.v1/2/8", "--raw").stdout_bytes == BINARY
    shown = json.loads(letters.run("show", "catalog.upload.v1/2/8", "--json").stdout)
    assert base64.b64decode(shown["body"]) == BINARY
    assert shown["headers"]["error-code"] == "decode_error"


@pytest.mark.parametrize(("origin", "status"), [("catalog.upload.v1/2/1", 1), ("no origin", 2)])
def test_show_of_what_was_not_refused_is_no_success(letters: Letters, origin: str, status: int) -> None:
    assert letters.run("show", origin).exit_code == status


def test_a_dry_run_writes_nothing(letters: Letters) -> None:
    done = letters.run("replay", "--dry-run", "--json", "--source", "s", "--code", "media_missing")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"replayed": 0, "would_replay": 1, "left_out": 0}
    assert letters.written == []


def test_a_replay_sends_what_can_be_sent_and_names_the_rest(letters: Letters) -> None:
    done = letters.run("replay", "--rate", "1000")
    assert done.exit_code == 1
    assert [(origin_text(each.letter.origin), each.body) for each in letters.written] == [
        ("catalog.upload.v1/2/7", BODY),
        ("catalog.upload.v1/2/8", BINARY),
    ]
    headers = dict(letters.written[0].headers)
    assert headers["samesong-replay-of"] == b"catalog.upload.v1/2/7"
    assert headers["traceparent"] == b"00-1-2-01"
    assert "arbiter.input.v1/0/9 [command_impossible]" in done.output
    assert "2 replayed" in done.output


def test_only_what_is_named_is_replayed(letters: Letters) -> None:
    assert letters.run("replay", "catalog.upload.v1/2/8").exit_code == 0
    assert [each.letter.origin.offset for each in letters.written] == [8]
    assert letters.run("replay", "--since", "yesterday").exit_code == 2
