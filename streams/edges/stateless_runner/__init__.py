"""A stateless stage driven at least once: polling in one thread, work in another, offsets in order."""

from streams.edges.stateless_runner.runner import StatelessRunner
from streams.edges.stateless_runner.work import Idle

__all__ = ["Idle", "StatelessRunner"]
