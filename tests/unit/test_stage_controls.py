"""Which stages are paused: the fold of what was said, and the gate that a runner asks."""

import logging

import pytest

from streams.core.controls import Controls
from streams.core.records import StageControl
from streams.wiring.intake import Intake
from tests.unit.test_stage_metrics import Recorded


def pause(stage: str, **more: object) -> StageControl:
    return StageControl(stage=stage, paused=True, **more)  # type: ignore[arg-type]  # names of its fields


def resume(stage: str, **more: object) -> StageControl:
    return StageControl(stage=stage, paused=False, **more)  # type: ignore[arg-type]  # names of its fields


class Said:
    """A control log whose next words the test gives."""

    def __init__(self, *words: StageControl) -> None:
        self.next = words
        self.closed = False

    def news(self) -> tuple[StageControl, ...]:
        news, self.next = self.next, ()
        return news

    def close(self) -> None:
        self.closed = True


def test_the_latest_word_on_each_stage_and_partition_holds() -> None:
    controls = Controls()
    one = pause("encode", topic="catalog.upload.v1", partition=1, code="deadletter_run")
    for said in (pause("encode"), pause("find", by="ann"), one, resume("encode")):
        controls.take(said)
    assert controls.paused("encode") is None
    assert controls.paused("find") == pause("find", by="ann")
    assert controls.held("encode") == (one,)
    controls.take(resume("encode", topic="catalog.upload.v1", partition=1))
    assert controls.held("encode") == ()


def test_a_stage_paused_before_its_start_takes_nothing_in() -> None:
    intake = Intake("find", Said(resume("find"), pause("find")), Recorded())
    assert not intake()


def test_the_gate_follows_its_own_stage_alone(caplog: pytest.LogCaptureFixture) -> None:
    said, metrics = Said(), Recorded()
    told: list[StageControl] = []
    with Intake("find", said, metrics, told=told.append) as intake:
        assert intake()
        with caplog.at_level(logging.WARNING):
            said.next = (pause("encode"), pause("find", by="ann", note="a new disk"))
            assert not intake()
            assert not intake()
            said.next = (resume("find"),)
            assert intake()
    assert said.closed
    assert [each.stage for each in told] == ["find", "find"]
    labels = {"stage": "find", "cause": "operator"}
    assert metrics.of("samesong.intake.paused") == [(0, labels), (1, labels), (0, labels)]
    first, last = caplog.messages
    assert "paused by ann: a new disk" in first
    assert "goes on" in last


def test_every_cause_must_let_go() -> None:
    full: list[str] = ["the disk is full"]
    said = Said(pause("index"))
    intake = Intake("index", said, Recorded(), causes={"disk": lambda: full[0] if full else None})
    assert not intake()
    full.clear()
    assert not intake()
    said.next = (resume("index"),)
    assert intake()
