"""The error tree: the class follows from what the caller must do, the code is stable."""

from typing import ClassVar


class ResolverError(Exception):
    """Root of everything Samesong raises on purpose.

    Attributes
    ----------
    code : str
        stable name, used in metrics, headers and dead letters
    """

    code: ClassVar[str] = "resolver_error"


class ConfigError(ResolverError):
    """Wrong settings: refuse to start."""

    code = "config_error"


class UnreadableInput(ConfigError):
    """A path that was named cannot be read."""

    code = "unreadable_input"


class RecordError(ResolverError):
    """A record that can never succeed: it travels on as a refusal, the next one is processed."""

    code = "record_error"


class DecodeError(RecordError):
    """The bytes of a record are not what they say they are."""

    code = "decode_error"


class SchemaError(RecordError):
    """A record is well formed but not an upload: an unknown, missing or impossible field."""

    code = "schema_error"


class MediaError(RecordError):
    """A medium cannot be used."""

    code = "media_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.refusal_code = code or self.code


class InvariantError(RecordError):
    """A record contradicts what was already decided about its item."""

    code = "invariant_error"


class TransientError(ResolverError):
    """The same call may work later: retry with back-off, then pause."""

    code = "transient_error"


class DiskLow(TransientError):
    """A disk is nearly full: write nothing more."""

    code = "disk_low"


class BrokerUnavailable(TransientError):
    """Kafka does not answer."""

    code = "broker_unavailable"


class IndexUnavailable(TransientError):
    """The vector index does not answer."""

    code = "index_unavailable"


class RegistryUnavailable(TransientError):
    """The schema registry does not answer."""

    code = "registry_unavailable"


class FeatureMissing(TransientError):
    """A named blob is not in the feature store: pause and ask for re-encoding."""

    code = "feature_missing"


class FeatureStoreUnavailable(TransientError):
    """The feature store cannot be read or written."""

    code = "feature_store_unavailable"


class FatalError(ResolverError):
    """Going on would corrupt state: stop without committing."""

    code = "fatal_error"


class Fenced(FatalError):
    """Another owner has taken over (or a transaction timed out): end, let the supervisor restart."""

    code = "fenced"


class OffsetRegression(FatalError):
    """A store has folded further than its log reaches."""

    code = "offset_regression"


class EncoderMismatch(FatalError):
    """A model is not the one that its card describes."""

    code = "encoder_mismatch"


class CorruptState(FatalError):
    """A store's contents contradict the log."""

    code = "corrupt_state"


class SequenceGap(FatalError):
    """A subscriber lacks a sequence, or a part of one: going on would show half a change."""

    code = "sequence_gap"
