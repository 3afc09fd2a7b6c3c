"""A simulator of the log: the real stages and runners on an in-memory Kafka, ruled by a seed.

Everything that the runners stand on is replaced (``streams.edges.kafka_platform``): the brokers, the clock
and the threads. A seed draws the work, the interleaving and the faults; the same seed gives the same run.
"""

from streams.simulation.broker import SimulatedBroker
from streams.simulation.process import SimulatedProcess
from streams.simulation.run import Outcome, simulate
from streams.simulation.world import World

__all__ = ["Outcome", "SimulatedBroker", "SimulatedProcess", "World", "simulate"]
