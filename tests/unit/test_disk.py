"""Intake pauses before the disk is full, and goes on when there is room again."""

from pathlib import Path

import pytest

from streams.cli.checks import State, check_disk
from streams.cli.publishing import while_room
from streams.config import load_settings
from streams.edges import disk
from streams.edges.disk import DiskRoom, free_bytes
from streams.errors import DiskLow
from tests.unit.test_stage_metrics import Recorded

MB = 1024 * 1024


class Disk:
    """Free room that the test sets, and a clock."""

    def __init__(self, **free: int) -> None:
        self.free = {Path(name): size * MB for name, size in free.items()}
        self.now = 0.0
        self.looks = 0
        self.metrics = Recorded()
        self.room = DiskRoom(
            tuple(self.free),
            min_free=100 * MB,
            metrics=self.metrics,
            probe=self.probe,
            clock=lambda: self.now,
        )

    def probe(self, folder: Path) -> int:
        self.looks += 1
        return self.free[folder]

    def later(self) -> str | None:
        self.now += 1.0
        return self.room()


def test_the_fullest_disk_decides() -> None:
    disks = Disk(kafka=500, features=99)
    why = disks.later()
    assert why is not None
    assert "99 MB are free at features, 100 MB must be" in why
    assert disks.metrics.of("samesong.disk.free") == [(99 * MB, {})]
    assert disks.metrics.of("samesong.disk.reserved") == [(100 * MB, {})]


def test_it_goes_on_only_with_some_more_room() -> None:
    disks = Disk(a=100)
    assert disks.later() is None
    for free, paused in ((99, True), (100, True), (109, True), (110, False), (100, False)):
        disks.free[Path("a")] = free * MB
        assert (disks.later() is not None) is paused, free


def test_it_looks_once_a_second_however_often_it_is_asked() -> None:
    disks = Disk(a=1)
    for _ in range(50):
        assert disks.room() is not None
    assert disks.looks == 1


def test_a_disk_that_cannot_be_asked_is_not_written_to() -> None:
    def broken(_folder: Path) -> int:
        raise OSError(5, "Input/output error")

    room = DiskRoom((Path("a"),), min_free=1, probe=broken)
    assert "cannot be looked at" in (room() or "")
    assert DiskRoom((Path("a"),), min_free=0, probe=broken)() is None


def test_a_folder_to_come_counts_where_it_will_be(tmp_path: Path) -> None:
    assert abs(free_bytes(tmp_path / "not" / "yet") - free_bytes(tmp_path)) < 64 * MB


def test_publishing_to_the_embedded_broker_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(data_dir=tmp_path)
    assert list(while_room(settings, [1, 2])) == [1, 2]
    monkeypatch.setenv("SAMESONG_DISK__MIN_FREE_BYTES", str(2**60))
    full = load_settings(data_dir=tmp_path)
    with pytest.raises(DiskLow, match="make room"):
        list(while_room(full, [1]))
    monkeypatch.setenv("SAMESONG_KAFKA__BOOTSTRAP", "k:1")
    assert list(while_room(load_settings(data_dir=tmp_path), [1])) == [1]


@pytest.mark.parametrize(("free", "state"), [(99, State.wrong), (199, State.note), (200, State.good)])
def test_the_doctor_says_it(free: int, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_DISK__MIN_FREE_BYTES", str(100 * MB))
    monkeypatch.setattr(disk.DiskRoom, "least", lambda _self: (free * MB, tmp_path))
    assert check_disk(load_settings(data_dir=tmp_path)).state is state
