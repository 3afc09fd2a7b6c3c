import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app, main
from streams.cli.checks import State, check_disk, check_kafka, check_python, check_registry, check_roots
from streams.config import load_settings
from streams.connection import bootstrap_of, kafka_extra
from streams.edges.topics import TopicReport
from streams.errors import BrokerUnavailable, ResolverError, SchemaError

run = CliRunner().invoke


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    said = run(app, ["--help"])
    assert said.exit_code == 0
    for name in ("publish", "watch", "explain", "entity", "doctor", "demo", "review", "deadletters"):
        assert name in said.output
    heavy = "numpy confluent_kafka pymilvus av pydantic onnxruntime opentelemetry"
    code = f"import sys, streams.cli; print([m for m in {heavy.split()!r} if m in sys.modules])"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_command_takes_a_data_dir() -> None:
    import typer

    def walk(command: object, name: str = "") -> list[str]:
        below = getattr(command, "commands", None)
        if below:
            return [found for key, sub in below.items() for found in walk(sub, f"{name} {key}")]
        options = [option for p in getattr(command, "params", ()) for option in p.opts]
        return [] if "--data-dir" in options else [name]

    assert walk(typer.main.get_command(app)) == []


def test_version() -> None:
    assert run(app, ["--version"]).output.startswith("samesong ")


def test_wrong_usage_is_status_2(tmp_path: Path) -> None:
    assert run(app, ["run", "nothing"]).exit_code == 2
    assert run(app, ["resolve", str(tmp_path / "gone"), "--output", "o"]).exit_code == 2
    assert run(app, ["broker", "--brokers", "2", "--data-dir", str(tmp_path)]).exit_code == 2
    twice = ["review", "verdict", "a", "1", "a", "1", "match", "--data-dir", str(tmp_path)]
    assert run(app, twice).exit_code == 2


@pytest.mark.parametrize(
    ("error", "status"), [(BrokerUnavailable("no broker"), 2), (SchemaError("no upload"), 1)]
)
def test_an_error_becomes_a_sentence_and_a_status(
    error: ResolverError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("streams.cli.app", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert f"{error} [{error.code}]" in capsys.readouterr().err


def test_no_broker_names_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match=r"samesong up.*SAMESONG_KAFKA__BOOTSTRAP"):
        bootstrap_of(load_settings(data_dir=tmp_path))


def test_a_cluster_that_does_not_answer_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("streams.edges.waiting.ASK_SECONDS", 0.2)
    upload = tmp_path / "uploads.jsonl"
    upload.write_text('{"source": "a", "item_id": "1", "kind": "recording", "title": "T"}\n')
    for command in (["publish", str(upload)], ["watch"], ["explain", "a", "1"], ["audit", "--once"]):
        found = run(app, [*command, "--data-dir", str(tmp_path), "--bootstrap", "127.0.0.1:9"])
        assert isinstance(found.exception, BrokerUnavailable)
        assert "No Kafka answers at 127.0.0.1:9" in str(found.exception)
    assert "rdkafka" not in capfd.readouterr().err


def unframed(shown: str) -> str:
    """Take a sentence out of its frame, which is broken where a path's length has it."""
    return " ".join(shown.replace("│", " ").split())


@pytest.mark.parametrize("command", ["resolve", "compare"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.offline.wiring", lambda: pytest.fail("it was read"))
    lines = tmp_path / "lines.jsonl"
    lines.touch()
    nowhere = run(app, [command, str(lines), "--output", str(tmp_path / "not" / "there.jsonl")])
    folder = run(app, [command, str(lines), "--output", str(tmp_path)])
    assert (nowhere.exit_code, folder.exit_code) == (2, 2)
    assert "there is no folder" in unframed(nowhere.output)
    assert "not a file" in unframed(folder.output)


def test_a_named_cluster_and_its_secrets_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", "k:1")
    monkeypatch.setenv("SAMESONG_KAFKA__PASSWORD", "hush-hush")
    settings = load_settings(data_dir=tmp_path)
    assert bootstrap_of(settings) == "k:1"
    assert kafka_extra(settings)["sasl.password"] == "hush-hush"
    shown = run(app, ["settings", "--json", "--data-dir", str(tmp_path)])
    assert json.loads(shown.output)["kafka"]["bootstrap"] == "k:1"
    assert "hush-hush" not in shown.output


@pytest.mark.parametrize(
    ("brokers", "named", "noted"), [(1, True, True), (2, True, True), (3, True, False), (1, False, False)]
)
def test_a_cluster_of_ones_own_that_is_too_small_is_noted(
    brokers: int, named: bool, noted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = TopicReport(created=(), existing=(), missing=(), mismatches=())
    monkeypatch.setattr("streams.edges.topics.ensure_topics", lambda *_all, **_named: report)
    monkeypatch.setattr("streams.edges.log_identity.count_brokers", lambda *_all: brokers)
    monkeypatch.setattr("streams.connection.bootstrap_of", lambda _settings: "kafka.example:9092")
    if named:
        monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", "kafka.example:9092")
    first = next(check_kafka(load_settings(data_dir=tmp_path)))
    assert first.what == "broker"
    assert (first.state is State.note) is noted
    assert bool(first.fix) is noted


def test_checks_say_the_fix(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "not" / "yet")
    assert check_python().state is State.good
    assert check_disk(settings).found.endswith("yet")
    assert check_registry(settings).state is State.good
    roots = check_roots(settings)
    assert roots.state is State.note
    assert "SAMESONG_MEDIA__ALLOWED_ROOTS" in (roots.fix or "")
