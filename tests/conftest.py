import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Let tests press Ctrl-C, which a shell ignores in what it starts in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start one real broker per test session and give its address; topics on it have names of their own."""
    yield from _broker(tmp_path_factory)


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a broker for one file of tests, which reads or fills the topics of an installation."""
    yield from _broker(tmp_path_factory)


def _broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from streams.edges.broker import EmbeddedKafka

    with EmbeddedKafka(tmp_path_factory.mktemp("broker")) as kafka:
        yield kafka.bootstrap
