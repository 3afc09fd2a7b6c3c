"""Settings: read once by ``streams.wiring`` from the environment (``SAMESONG_``, nested with ``__``).

Each edge gets only its slice. An unknown key is an error, secrets are masked.
"""

import difflib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.errors import ConfigError
from streams.steps import CRASH_POINTS, CrashPoint
from streams.telemetry import never_show


class _Slice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("url", "uri", "otlp_endpoint", check_fields=False)
    @classmethod
    def _no_secret_in_address(cls, value: str | None) -> str | None:
        """Addresses are shown and logged: a user and password have settings of their own."""
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("an address is shown in the clear and must hold no user and no password")
        return value


class KafkaSettings(_Slice):
    """How to reach Kafka."""

    bootstrap: str | None = Field(
        default=None,
        description="HOST:PORT of a cluster of your own; default: the embedded broker of the data folder",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how the brokers are spoken to"
    )
    sasl_mechanism: str | None = Field(default=None, description="such as SCRAM-SHA-512")
    username: str | None = Field(default=None, description="for SASL")
    password: SecretStr | None = Field(default=None, description="for SASL")
    ca_location: str | None = Field(
        default=None, description="PEM file of who signs the brokers' certificates"
    )
    certificate_location: str | None = Field(default=None, description="PEM file of our own certificate")
    key_location: str | None = Field(default=None, description="PEM file of the certificate's key")
    key_password: SecretStr | None = Field(default=None, description="of the key file")
    group_protocol: Literal["classic", "consumer"] = Field(
        default="classic", description="of consumer groups; `consumer` is KIP-848, without static membership"
    )
    instance_id: str | None = Field(
        default=None,
        description="name of this process in its consumer groups, its own and always the same: after a crash "
        "it goes on at once, not after the session time-out (`classic` only); `up` names its stages itself",
    )
    replication_factor: int = Field(
        default=1, ge=1, description="of topics made by `samesong topics`; 3 in production"
    )


class RegistrySettings(_Slice):
    """Schema registry; without a URL records use Avro single-object encoding."""

    url: str | None = Field(
        default=None,
        description="of a registry that speaks Confluent's interface; records then use its format",
    )
    username: str | None = Field(default=None, description="for basic authentication")
    password: SecretStr | None = Field(default=None, description="for basic authentication")


class IndexSettings(_Slice):
    """The vector index."""

    uri: str | None = Field(
        default=None,
        description="Milvus server, http(s)://HOST:PORT; default: Milvus Lite in the data folder",
    )
    token: SecretStr | None = Field(default=None, description="for the server: a token, or USER:PASSWORD")
    batch_rows: int = Field(default=2048, ge=1, description="rows folded before a flush, at most")
    batch_ms: int = Field(
        default=4_000, ge=1, description="a smaller batch is flushed this long after the one before"
    )
    search_limit: int = Field(default=20, ge=1, description="hits per query vector, at most; text has ten")
    material_entries: int = Field(
        default=32_000_000,
        ge=1,
        description="what find remembers of sounds to find samples, in entries of 8 bytes: 1,700 tracks of "
        "four minutes, more of them less finely",
    )


class MediaSettings(_Slice):
    """What uploads may make us read, and how much of it."""

    allowed_roots: tuple[Path, ...] = Field(
        default=(), description="folders under which file: media may be read"
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="hosts from which https: media may be fetched; empty: any global address"
    )
    max_bytes: int = Field(default=512 * 1024 * 1024, ge=1, description="largest medium that is read")
    max_seconds: int = Field(default=4 * 3600, ge=1, description="longest medium that is decoded")
    max_pixels: int = Field(default=64_000_000, ge=1, description="largest picture or frame")
    fetch_timeout_s: float = Field(default=30.0, gt=0, description="for one medium, by network")
    decode_timeout_s: float = Field(default=120.0, gt=0, description="for one medium, in the decoding child")
    decode_memory_mb: int = Field(default=1536, ge=256, description="address space of a decoding child")


class EncodeSettings(_Slice):
    """The encode stage."""

    batch_items: int = Field(default=256, ge=1, description="uploads encoded together, at most")
    batch_ms: int = Field(
        default=250, ge=1, description="a smaller batch is encoded this long after the one before"
    )


class RefusalSettings(_Slice):
    """How many refusals a partition of uploads may have before it waits for a person."""

    run: int = Field(default=200, ge=1, description="so many refused in a row")
    share: float = Field(default=0.5, gt=0, le=1, description="so large a part of the window")
    window: int = Field(default=1_000, ge=1, description="records that the share is taken of")
    failures: int = Field(default=20, ge=1, description="so many in a row that broke our own code")


class DiskSettings(_Slice):
    """Room on the data folder's disks."""

    min_free_bytes: int = Field(
        default=1024**3, ge=0, description="stages take nothing in below this; 0: never look"
    )


class ArbiterSettings(_Slice):
    """The arbiter."""

    batch_items: int = Field(default=256, ge=1, description="records per transaction, at most")
    batch_ms: int = Field(
        default=400, ge=1, description="a smaller batch is decided this long after the one before"
    )
    overlay_rows: int = Field(
        default=50_000, ge=1, description="intake pauses above this many rows the index has not folded"
    )
    find_lag: int = Field(default=2_000, ge=1, description="find pauses above this many undecided records")


class DriftSettings(_Slice):
    """The drift monitor."""

    window_s: float = Field(default=60.0, gt=0, description="length of a tumbling window, by broker time")
    grace_s: float = Field(default=10.0, ge=0, description="how long a window waits for late sketches")
    reference_windows: int = Field(default=5, ge=1, description="windows that make the reference")
    min_count: int = Field(default=200, ge=2, description="fewer embeddings in a window are not judged")
    p_value: float = Field(default=0.001, gt=0, lt=1, description="a window below it is an alert")


class TelemetrySettings(_Slice):
    """Traces and metrics."""

    otlp_endpoint: str | None = Field(default=None, description="OTLP over HTTP, such as http://HOST:4318")
    prometheus_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="first port; each stage takes the next one; 0: any free port",
    )
    traces_file: bool = Field(
        default=False, description="also write finished spans to traces/ in the data folder"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least severe line that is logged"
    )


class FaultSettings(_Slice):
    """What tests let go wrong; never set otherwise."""

    crash_at: str | None = Field(
        default=None,
        description="STAGE.STEP.before or .after: where the stage kills itself, for tests of what is left",
    )

    @field_validator("crash_at")
    @classmethod
    def _is_a_point(cls, value: str | None) -> str | None:
        if value is not None and value not in map(str, CRASH_POINTS):
            raise ValueError("no step is called that")
        return value

    @property
    def point(self) -> CrashPoint | None:
        """The crash point that is named."""
        return next((point for point in CRASH_POINTS if str(point) == self.crash_at), None)


class Settings(BaseSettings):
    """Every setting of Samesong."""

    model_config = SettingsConfigDict(
        env_prefix="SAMESONG_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_path("samesong")),
        description="broker, index, features and state of one installation",
    )
    models_dir: Path | None = Field(
        default=None, description="where `samesong models build` puts models; default: the user's cache"
    )
    production: bool = Field(
        default=False,
        description="refuse to start where anything would travel unencrypted, or a store has no log-in",
    )
    kafka: KafkaSettings = KafkaSettings()
    registry: RegistrySettings = RegistrySettings()
    index: IndexSettings = IndexSettings()
    media: MediaSettings = MediaSettings()
    encode: EncodeSettings = EncodeSettings()
    refusals: RefusalSettings = RefusalSettings()
    arbiter: ArbiterSettings = ArbiterSettings()
    drift: DriftSettings = DriftSettings()
    disk: DiskSettings = DiskSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    faults: FaultSettings = FaultSettings()


# They tell benchmarks where music lies, and stand in the environment of whatever a benchmark starts.
_OF_BENCHMARKS = "samesong_bench_"


def _is_unknown(variable: str) -> bool:
    """Say whether a variable looks like a setting and is none; pydantic sees this only inside the groups."""
    name = variable.lower()
    return (
        name.startswith("samesong_")
        and not name.startswith(_OF_BENCHMARKS)
        and name.removeprefix("samesong_").partition("__")[0] not in Settings.model_fields
    )


def _names() -> Iterator[str]:
    """Name every variable that is a setting."""
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            yield from (f"SAMESONG_{name}__{inner}".upper() for inner in group.model_fields)
        else:
            yield f"SAMESONG_{name}".upper()


def _unknown(variable: str) -> str:
    """Say that no setting has a name, and which one may be meant."""
    near = difflib.get_close_matches(variable.upper(), list(_names()), n=1)
    return f"no setting is called {variable}" + (f" (is {near[0]} meant?)" if near else "")


def load_settings(*, data_dir: Path | None = None) -> Settings:
    """Read the environment.

    Raises
    ------
    ConfigError
        an unknown key, or a value out of range; the message names each
    """
    unknown = sorted(name for name in os.environ if _is_unknown(name))
    if unknown:
        raise ConfigError(f"wrong settings: {'; '.join(map(_unknown, unknown))}")
    try:
        settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as exc:
        problems = []
        for error in exc.errors():
            name = f"SAMESONG_{'__'.join(str(part) for part in error['loc'])}".upper()
            unknown_key = error["type"] == "extra_forbidden"
            problems.append(_unknown(name) if unknown_key else f"{name}: {error['msg']}")
        raise ConfigError(f"wrong settings: {'; '.join(problems)}") from exc
    for secret in _secrets_of(settings):
        never_show(secret)
    if settings.production and (unfit := _unfit_for_production(settings)):
        raise ConfigError(f"production mode needs {'; '.join(unfit)}")
    return settings


def _secrets_of(part: BaseModel) -> Iterator[str]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets_of(value)


def _unfit_for_production(settings: Settings) -> list[str]:
    """List what would send records or secrets in the clear, or let strangers in."""
    problems = []
    kafka, index, registry = settings.kafka, settings.index, settings.registry
    if kafka.security_protocol in {"PLAINTEXT", "SASL_PLAINTEXT"}:
        problems.append("SAMESONG_KAFKA__SECURITY_PROTOCOL=SASL_SSL or SSL")
    elif kafka.security_protocol == "SSL" and not (kafka.certificate_location and kafka.key_location):
        problems.append("SAMESONG_KAFKA__CERTIFICATE_LOCATION and SAMESONG_KAFKA__KEY_LOCATION")
    elif kafka.security_protocol == "SASL_SSL" and kafka.sasl_mechanism is None:
        problems.append("SAMESONG_KAFKA__SASL_MECHANISM, such as SCRAM-SHA-512")
    elif _asks_password(kafka) and not (kafka.username and kafka.password):
        problems.append("SAMESONG_KAFKA__USERNAME and SAMESONG_KAFKA__PASSWORD")
    if index.uri is not None and index.token is None:
        problems.append("SAMESONG_INDEX__TOKEN for the vector store")
    if settings.faults.crash_at is not None:
        problems.append("SAMESONG_FAULTS__CRASH_AT unset: it is for tests")
    # A relay on this machine is the usual way to a collector; spans carry no secret.
    otlp = settings.telemetry.otlp_endpoint
    addresses = {
        "SAMESONG_INDEX__URI": index.uri,
        "SAMESONG_REGISTRY__URL": registry.url,
        "SAMESONG_TELEMETRY__OTLP_ENDPOINT": None if otlp and _is_here(otlp) else otlp,
    }
    problems += [f"{name}=https://..." for name, url in addresses.items() if url and not _is_https(url)]
    return problems


def _asks_password(kafka: KafkaSettings) -> bool:
    mechanism = (kafka.sasl_mechanism or "").upper()
    return kafka.security_protocol == "SASL_SSL" and (mechanism == "PLAIN" or mechanism.startswith("SCRAM"))


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}
