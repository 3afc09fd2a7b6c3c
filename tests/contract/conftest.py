import pytest

from tests.contract.either_kafka import Kafka, RealKafka, SimulatedKafka


@pytest.fixture(params=["simulated", pytest.param("real", marks=pytest.mark.broker)])
def kafka(request: pytest.FixtureRequest) -> Kafka:
    if request.param == "simulated":
        return SimulatedKafka()
    return RealKafka(request.getfixturevalue("broker"))
