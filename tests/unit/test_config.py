from pathlib import Path

import pytest

from streams.config import load_settings
from streams.errors import ConfigError
from streams.telemetry import MASK, mask_secrets


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SAMESONG_KAFKA__BOOTSTRP", "SAMESONG_KAFKA__BOOTSTRAP"),
        ("SAMESONG_DATADIR", "SAMESONG_DATA_DIR"),
        ("SAMESONG_MEDIA__QQQQQ", None),
    ],
)
def test_who_misspells_a_setting_is_told_which_one_is_near(
    name: str, meant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    told = f"no setting is called {name}" + (f" (is {meant} meant?)" if meant is not None else "")
    assert told in str(caught.value)


def test_what_tells_benchmarks_where_music_lies_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_BENCH_MUSIC", "/music")
    load_settings()


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
        ("SAMESONG_FAULTS__CRASH_AT", "encode.think.before"),
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


PRODUCTION = {
    "SAMESONG_PRODUCTION": "true",
    "SAMESONG_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
    "SAMESONG_KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
    "SAMESONG_KAFKA__USERNAME": "encode",
    "SAMESONG_KAFKA__PASSWORD": "hunter2",
    "SAMESONG_INDEX__URI": "https://milvus:19530",
    "SAMESONG_INDEX__TOKEN": "hunter3",
    "SAMESONG_REGISTRY__URL": "https://registry:8081",
    "SAMESONG_TELEMETRY__OTLP_ENDPOINT": "http://127.0.0.1:4318",
}


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("SAMESONG_KAFKA__SECURITY_PROTOCOL", "PLAINTEXT", "SECURITY_PROTOCOL=SASL_SSL"),
        ("SAMESONG_KAFKA__SECURITY_PROTOCOL", "SASL_PLAINTEXT", "SECURITY_PROTOCOL=SASL_SSL"),
        ("SAMESONG_KAFKA__SECURITY_PROTOCOL", "SSL", "CERTIFICATE_LOCATION"),
        ("SAMESONG_KAFKA__SASL_MECHANISM", None, "SCRAM-SHA-512"),
        ("SAMESONG_KAFKA__USERNAME", None, "SAMESONG_KAFKA__USERNAME"),
        ("SAMESONG_KAFKA__PASSWORD", None, "SAMESONG_KAFKA__PASSWORD"),
        ("SAMESONG_INDEX__URI", "http://milvus:19530", "SAMESONG_INDEX__URI=https"),
        ("SAMESONG_INDEX__TOKEN", None, "SAMESONG_INDEX__TOKEN"),
        ("SAMESONG_REGISTRY__URL", "http://registry:8081", "SAMESONG_REGISTRY__URL=https"),
        ("SAMESONG_REGISTRY__URL", "registry:8081", "SAMESONG_REGISTRY__URL=https"),
        ("SAMESONG_TELEMETRY__OTLP_ENDPOINT", "http://collector:4318", "OTLP_ENDPOINT=https"),
        ("SAMESONG_FAULTS__CRASH_AT", "encode.commit.before", "CRASH_AT unset"),
    ],
)
def test_production_starts_only_where_nothing_travels_in_the_clear(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, named: str
) -> None:
    for each, good in PRODUCTION.items():
        monkeypatch.setenv(each, good)
    load_settings()
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=named) as caught:
        load_settings()
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["SAMESONG_INDEX__URI", "SAMESONG_REGISTRY__URL", "SAMESONG_TELEMETRY__OTLP_ENDPOINT"]
)
def test_an_address_with_a_password_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "https://user:hunter2@host/path")
    with pytest.raises(ConfigError, match=name) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_a_secret_of_the_settings_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_KAFKA__PASSWORD", "hun ter&2")
    monkeypatch.setenv("SAMESONG_INDEX__TOKEN", "root:hun3ter")
    load_settings()
    said = mask_secrets("a hun ter&2 b root:hun3ter c hun%20ter%262 d")
    assert said == f"a {MASK} b {MASK} c {MASK} d"


def test_a_secret_of_the_wrong_kind_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_KAFKA", '{"password": ["hunter2"]}')
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
