import hashlib
from pathlib import Path

import pytest

from streams.edges import broker_jars
from streams.edges.broker_jars import (
    BrokerJarsChanged,
    BrokerJarsMissing,
    Jar,
    ensure_jars,
    format_lock,
    locked_jars,
    parse_lock,
)
from streams.errors import ConfigError

BYTES = b"not really a jar"
JAR = Jar(coordinate="a.b:c:1.0", sha256=hashlib.sha256(BYTES).hexdigest(), size=len(BYTES))


class Repository:
    """A double of jgo's context that has one file, or no network."""

    def __init__(self, folder: Path, content: bytes | None) -> None:
        self.folder = folder
        self.content = content
        self.artifact = self

    def create_dependency(self, _coordinate: str) -> "Repository":
        return self

    def resolve(self) -> Path:
        if self.content is None:
            raise ConnectionError("no network")
        target = self.folder / "fetched.jar"
        target.write_bytes(self.content)
        return target


def _use(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    monkeypatch.setattr(
        broker_jars, "MavenContext", lambda repo_cache, timeout: Repository(repo_cache, content)
    )


def test_shipped_lock_pins_kafka_and_a_log_binding() -> None:
    names = {jar.coordinate.rsplit(":", 1)[0] for jar in locked_jars()}
    assert {broker_jars.KAFKA, broker_jars.LOG_BINDING, broker_jars.LOG_CORE} <= names
    assert f"{broker_jars.KAFKA}:{broker_jars.KAFKA_VERSION}" in {j.coordinate for j in locked_jars()}
    assert all(set(jar.sha256) <= set("0123456789abcdef") for jar in locked_jars())


def test_lock_survives_writing_and_reading() -> None:
    assert parse_lock(format_lock(locked_jars())) == locked_jars()


@pytest.mark.parametrize("line", ["a:b:1", "a:b abc 3", f"a:b:1 {'0' * 64} many", f"a:b:1 {'0' * 63} 3"])
def test_torn_lock_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="line 1"):
        parse_lock(line)


def test_cached_jar_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, BYTES)
    first = ensure_jars((JAR,), cache=tmp_path)
    _use(monkeypatch, None)
    assert ensure_jars((JAR,), cache=tmp_path) == first
    assert first[0].read_bytes() == BYTES


def test_missing_jars_name_the_alternative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, None)
    with pytest.raises(BrokerJarsMissing, match=r"a\.b:c:1\.0.*--bootstrap.*SAMESONG_KAFKA__BOOTSTRAP"):
        ensure_jars((JAR,), cache=tmp_path)
    assert issubclass(BrokerJarsMissing, ConfigError)


def test_changed_jar_is_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, BYTES + b"!")
    with pytest.raises(BrokerJarsChanged, match="not used"):
        ensure_jars((JAR,), cache=tmp_path)
    assert not JAR.path_in(tmp_path).exists()


def test_spoilt_cache_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = JAR.path_in(tmp_path)
    spoilt.parent.mkdir(parents=True)
    spoilt.write_bytes(BYTES[:-1] + b"?")
    _use(monkeypatch, BYTES)
    ensure_jars((JAR,), cache=tmp_path)
    assert spoilt.read_bytes() == BYTES
