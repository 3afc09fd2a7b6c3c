from pathlib import Path

import pytest

from streams.config import load_settings
from streams.errors import ConfigError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith("SAMESONG_"):
            monkeypatch.delenv(name)


def test_the_command_line_stands_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_DATA_DIR", "/one")
    assert load_settings().data_dir == Path("/one")
    assert load_settings(data_dir=Path("/two")).data_dir == Path("/two")


def test_groups_and_lists_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", "here:9092")
    monkeypatch.setenv("SAMESONG_MEDIA__ALLOWED_ROOTS", '["/a", "/b"]')
    settings = load_settings()
    assert settings.kafka.bootstrap == "here:9092"
    assert settings.media.allowed_roots == (Path("/a"), Path("/b"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAMESONG_KAFKA__BOGUS", "1"),
        ("SAMESONG_BOGUS", "1"),
        ("SAMESONG_ENCODE__WORKERS", "0"),
        ("SAMESONG_DRIFT__P_VALUE", "many"),
        ("SAMESONG_KAFKA__SECURITY_PROTOCOL", "TELNET"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        load_settings()


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_KAFKA__PASSWORD", "hunter2")
    assert "hunter2" not in repr(load_settings())


def test_production_refuses_kafka_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_PRODUCTION", "true")
    with pytest.raises(ConfigError, match="SECURITY_PROTOCOL"):
        load_settings()


def test_production_refuses_an_index_without_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_PRODUCTION", "true")
    monkeypatch.setenv("SAMESONG_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("SAMESONG_INDEX__URI", "https://milvus:19530")
    with pytest.raises(ConfigError, match="SAMESONG_INDEX__TOKEN"):
        load_settings()
