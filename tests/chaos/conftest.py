from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.chaos import outcomes, stage_process
from tests.chaos.outcomes import Outcome
from tests.chaos.stages import Stages, stages

HERE = Path(__file__).parent
commit = cache(outcomes.commit)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that is here: `make test` leaves it to `make chaos` and to a step of its own in CI.

    Where several run at once, tests that share an installation stay together: those of a file, unless they
    say with whom.
    """
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.chaos)
            if item.get_closest_marker("xdist_group") is None:
                item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_sessionfinish() -> None:
    """Leave no process behind, whatever failed."""
    stage_process.end_server()


@pytest.fixture
def chronicle(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Give what notes a row of the crash matrix: ``chronicle(where=, step=, fault=, outcome=)``."""
    noted: list[Outcome] = []

    def note(*, where: str, step: str, fault: str, outcome: str) -> None:
        noted.append(
            Outcome(
                where=where,
                step=step,
                fault=fault,
                outcome=outcome,
                test=request.node.nodeid.partition("[")[0],
                commit=commit(),
            )
        )

    yield note
    outcomes.keep(noted)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    """Give the stages of an installation of this module's own; every one runs."""
    from streams.edges.broker import EmbeddedKafka

    folder = tmp_path_factory.mktemp("chaos")
    with EmbeddedKafka(folder) as kafka, stages(folder, bootstrap=kafka.bootstrap) as made:
        made.start_all()
        yield made
