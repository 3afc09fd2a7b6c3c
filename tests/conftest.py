import signal
from collections.abc import Iterator

import pytest


def pytest_configure() -> None:
    """Let tests press Ctrl-C, which a shell ignores in what it starts in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start one real broker per test session and give its address."""
    from streams.edges.broker import EmbeddedKafka

    with EmbeddedKafka(tmp_path_factory.mktemp("broker")) as kafka:
        yield kafka.bootstrap
